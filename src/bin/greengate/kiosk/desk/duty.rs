//! Who is on duty at the desk, and what a shift adds up to.

use chrono::TimeDelta;
use greengate::{
    clock::{Timestamp, in_shanghai},
    decision::Verdict,
    language::Words,
    session::desk::{DeskEvent, Entry},
    shift::{Duty, Known, Pin, ShiftEvent, ShiftReport, Span, Task},
    store::SignInError,
};

use super::{
    Counter, Done,
    view::Hour,
    words::{told, unwritten},
};
use crate::lane::Lane;

/// What a supervisor's report goes back: everybody's work since the same hour of the day before.
const DAY: TimeDelta = TimeDelta::days(1);

impl Counter {
    /// Moves the shift on, and keeps what is to be recorded of it.
    pub(super) fn move_shift(&mut self, event: ShiftEvent, lane: &mut Lane, now: Timestamp) {
        match self.shift.on(event, now) {
            Ok(events) => {
                for event in events {
                    if lane.store().note(&event, now).is_err() {
                        self.around.trouble = unwritten();
                    }
                }
            }
            Err(refused) => self.around.trouble = told(&refused),
        }
        lane.set_staff(self.shift.staff().cloned());
        self.around.staff = match self.shift.duty() {
            Duty::On { by, role, .. } => {
                let Words { zh, en } = role.words();
                Words::new(format!("{by} · {zh}"), format!("{by} · {en}"))
            }
            Duty::Locked { by, .. } => Words::new(format!("{by} 已锁定"), format!("{by}, locked")),
            Duty::Nobody => Words::default(),
        };
    }

    pub(super) fn known(
        staff: &str,
        pin: &Entry,
        lane: &mut Lane,
        now: Timestamp,
    ) -> Result<Known, Words> {
        let wrong = || Words::new("工号或密码不正确", "Staff number or PIN is wrong");
        let number = staff.parse().map_err(|_| wrong())?;
        let pin = Pin::entered(pin).map_err(|_| wrong())?;
        lane.store().sign_in(&number, &pin, now).map_err(|error| match error {
            SignInError::Blocked { until } | SignInError::Wrong { until: Some(until) } => {
                let seconds = (until - now).num_seconds().max(1);
                Words::new(
                    format!("工号或密码不正确：请等待 {seconds} 秒"),
                    format!("Staff number or PIN is wrong: wait {seconds} s"),
                )
            }
            SignInError::Wrong { until: None } => wrong(),
            _ => unwritten(),
        })
    }

    pub(super) fn sign_in(
        &mut self,
        staff: &str,
        pin: &Entry,
        lane: &mut Lane,
        now: Timestamp,
    ) -> Done {
        let known = Self::known(staff, pin, lane, now)?;
        self.around.trouble = Words::default();
        self.move_shift(ShiftEvent::Enter(known), lane, now);
        if !matches!(self.shift.duty(), Duty::On { .. }) {
            return Ok(None);
        }
        let terminal = lane.store().terminal().map_err(|_| unwritten())?;
        if let Some(Err(trouble)) = terminal.map(|terminal| self.key.ask(&terminal, now)) {
            self.around.trouble = trouble;
        }
        Ok(Some(DeskEvent::SignedIn))
    }

    pub(super) fn report(&mut self, lane: &mut Lane, now: Timestamp) -> Done {
        let Duty::On { by, role, since } = self.shift.duty() else { return Ok(None) };
        // What was done in this very second counts too.
        let to = now + TimeDelta::seconds(1);
        let span = if role.may(Task::AnyReport) {
            Span { staff: None, from: since.min(now - DAY), to }
        } else {
            Span { staff: Some(by), from: since, to }
        };
        let report = lane.store().shift_report(span).map_err(|_| unwritten())?;
        self.around.facts = facts(&report);
        self.around.hours = hours(&report);
        self.report = Some(report);
        Ok(None)
    }

    pub(super) fn export(&mut self, lane: &mut Lane, now: Timestamp) -> Done {
        let Some(report) = self.report.clone() else { return Ok(None) };
        let folder = self.setting.export.clone().filter(|folder| folder.is_dir());
        let folder = folder.ok_or_else(|| {
            Words::new("没有 U 盘：导出目录不存在", "There is no stick: its folder is not there")
        })?;
        let by = self.shift.staff().cloned();
        let signed = lane.store().close_shift(report, by.as_ref(), now).map_err(|_| unwritten())?;
        let written = crate::shift::write(&signed, &folder)
            .map_err(|_| Words::new("无法写入 U 盘", "The stick cannot be written"))?;
        let name = written.first().and_then(|path| path.file_stem()).unwrap_or_default();
        let name = name.to_string_lossy();
        self.around.trouble = Words::new(format!("已导出 {name}"), format!("Written as {name}"));
        Ok(None)
    }
}

fn facts(report: &ShiftReport) -> Vec<(Words, String)> {
    let mut facts = Vec::new();
    for verdict in [Verdict::Pass, Verdict::CheckId, Verdict::Refer, Verdict::Deny, Verdict::Retry]
    {
        let counted = report.verdicts.iter().find(|counted| counted.of == verdict.code());
        let name = match verdict {
            Verdict::Pass => Words::new("通过", "Pass"),
            Verdict::CheckId => Words::new("核对证件", "Check ID"),
            Verdict::Refer => Words::new("人工核验", "To the desk"),
            Verdict::Deny => Words::new("不予通行", "Stop"),
            Verdict::Retry => Words::new("重新出示", "Show again"),
        };
        facts.push((name, counted.map_or(0, |counted| counted.count).to_string()));
    }
    for operator in &report.operators {
        // Whose it is goes without saying, unless there are several.
        let whose = match report.operators.as_slice() {
            [_] => String::new(),
            _ => format!("{} ", operator.staff),
        };
        let counts = [
            ("证件查询", "Look-ups", operator.look_ups),
            ("人工登记", "Registered by hand", operator.registered),
            ("改判放行", "Overrides", u64::try_from(operator.overrides.len()).unwrap_or(u64::MAX)),
            ("输错密码", "Wrong PINs", operator.wrong_pins),
        ];
        facts.extend(counts.map(|(zh, en, count)| {
            (Words::new(format!("{whose}{zh}"), format!("{whose}{en}")), count.to_string())
        }));
    }
    facts
}

fn hours(report: &ShiftReport) -> Vec<Hour> {
    let mut hours: Vec<Hour> = Vec::new();
    for counted in &report.hours {
        let name = in_shanghai(counted.hour).format("%H").to_string();
        let passed = if counted.verdict == Verdict::Pass.code() { counted.count } else { 0 };
        match hours.iter_mut().find(|hour| hour.name == name) {
            Some(hour) => {
                hour.people += counted.count;
                hour.passed += passed;
            }
            None => hours.push(Hour { name, people: counted.count, passed }),
        }
    }
    hours
}
