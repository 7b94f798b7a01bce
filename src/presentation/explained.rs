//! The answer to "why was I stopped?": each check in words, for staff.

use super::{legible, words};
use crate::{
    clock::{Timestamp, in_shanghai},
    decision::{Check, CheckKind, Explanation, Outcome},
    language::Words,
    place::Place,
};

/// One check, as staff read it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExplainedCheck {
    /// What came of it.
    pub outcome: Outcome,
    /// What it is called.
    pub name: Words,
    /// What it saw, as names and values.
    pub saw: Words,
}

/// The checks of an explanation in words. Rules that are for others are left out.
#[must_use]
pub fn explained(explanation: &Explanation) -> Vec<ExplainedCheck> {
    let checks = explanation.checks.iter();
    let checks = checks.filter(|check| check.outcome != Outcome::NotConcerned);
    checks
        .map(|check| ExplainedCheck { outcome: check.outcome, name: name(check), saw: saw(check) })
        .collect()
}

fn name(check: &Check) -> Words {
    match (&check.rule, check.kind) {
        (Some((id, version)), CheckKind::Rule) => {
            let id = legible(id);
            Words::new(format!("规则 {id} · {version}"), format!("Rule {id} · {version}"))
        }
        (_, kind) => words::check(kind),
    }
}

fn saw(check: &Check) -> Words {
    let parts = check.saw.iter().map(|(name, value)| {
        let (name, value) = (part(name), words_of(value));
        Words::new(format!("{} {}", name.zh, value.zh), format!("{} {}", name.en, value.en))
    });
    let (zh, en): (Vec<_>, Vec<_>) = parts.map(|Words { zh, en }| (zh, en)).unzip();
    Words::new(zh.join(" · "), en.join(" · "))
}

/// What is called `name` in an explanation: the last part of a path, or a word of its own.
fn part(name: &str) -> Words {
    let name = name.rsplit('.').next().unwrap_or(name);
    let (zh, en) = match name {
        "age" => ("已过", "age"),
        "age_days" => ("天数", "days"),
        "agreement" => ("协议", "agreement"),
        "as_of" => ("截至", "as of"),
        "at most" => ("最长", "at most"),
        "bound" => ("代办", "bound"),
        "check ID after" => ("核对证件时限", "check ID after"),
        "commuter" => ("通勤", "commuter"),
        "converted from" | "origin" => ("转换自", "converted from"),
        "day" => ("日期", "day"),
        "doses" => ("剂次", "doses"),
        "expires" => ("失效", "expires"),
        "filing" => ("备案", "filing"),
        "floor" => ("时钟下限", "floor"),
        "gate" => ("闸口", "gate"),
        "issued" => ("签发", "issued"),
        "issuer" => ("签发方", "issuer"),
        "kind" => ("载体", "kind"),
        "last let pass" => ("上次通过", "last let pass"),
        "level" => ("行程卡风险", "level"),
        "list" => ("名单", "list"),
        "listed" => ("名单风险", "listed"),
        "means" => ("含义", "means"),
        "nat" => ("核酸", "test"),
        "now" | "validationClock" => ("现在", "now"),
        "partner" => ("境外伙伴", "partner"),
        "place" => ("场所", "place"),
        "policy" => ("政策", "policy"),
        "published" => ("发布", "published"),
        "refer after" => ("转人工时限", "refer after"),
        "reported" => ("报告", "reported"),
        "result" => ("结果", "result"),
        "sampled" => ("采样", "sampled"),
        "source" => ("来源", "source"),
        "status" => ("状态", "status"),
        "today" => ("今天", "today"),
        "travel" => ("行程", "travel"),
        "uploaded" => ("上传", "uploaded"),
        "vaccination" => ("疫苗", "vaccination"),
        "version" => ("版本", "version"),
        "window" => ("时限", "window"),
        other => return Words::new(legible(other), legible(other)),
    };
    Words::new(zh, en)
}

/// A value of an explanation; an instant in the time of the place.
fn words_of(value: &str) -> Words {
    if let Ok(instant) = value.parse::<Timestamp>() {
        let instant = in_shanghai(instant).format("%m-%d %H:%M:%S").to_string();
        return Words::new(instant.clone(), instant);
    }
    if let Ok(place) = value.parse::<Place>() {
        return place.words();
    }
    let zh = match value {
        "false" => "否",
        "high" => "高",
        "medium" => "中",
        "municipal" => "市级库",
        "national" => "国家库",
        "negative" => "阴性",
        "none" | "null" => "无",
        "normal" => "正常",
        "paper" => "纸质",
        "pending" => "未出",
        "phone" => "手机",
        "positive" => "阳性",
        "present" => "有",
        "review" => "审核中",
        "stop" => "红",
        "true" => "是",
        "unknown" => "未知",
        "watch" => "黄",
        other => return Words::new(legible(other), legible(other)),
    };
    Words::new(zh, if value == "null" { "none" } else { value })
}
