//! What each reason and each check is called, and what to do about it.

use crate::{
    decision::{CheckKind, Reason, Verdict},
    language::Words,
};

/// Why, in words that stand alone.
pub(super) fn reason(reason: Reason) -> Words {
    let (zh, en) = match reason {
        Reason::BadSignature => {
            ("签名不符，疑似伪造", "Signature does not match: forged or altered")
        }
        Reason::BoundCode => ("代办码：核对本人证件", "Bound code: check the holder's document"),
        Reason::Clock => ("终端时钟有误", "This terminal's clock is wrong"),
        Reason::CompromisedKey => ("签发密钥已作废", "The signing key is compromised"),
        Reason::ExceptedProvince => {
            ("该省健康码暂不互认", "Codes of this province are not recognised here for now")
        }
        Reason::Expired => ("健康码已过期", "The code has expired"),
        Reason::ForeignSymbol => ("不是健康码", "This is not a health code"),
        Reason::IssuedInFuture => ("签发时间晚于现在", "Issued in the future"),
        Reason::Malformed => ("健康码格式有误", "The code is damaged or malformed"),
        Reason::NoPolicy => ("终端尚未配置", "This terminal has no rules to decide by"),
        Reason::PartnerNotInForce => {
            ("境外互认协议未生效", "The agreement with this partner is not in force")
        }
        Reason::ShownAlready => ("该码刚刚在此使用过", "This code was shown here already"),
        Reason::PaperCode => ("纸质码：核对身份证件", "Paper code: check the identity document"),
        Reason::PastLifetime => ("健康码签发已久，请刷新", "The code is too old: refresh it"),
        Reason::Revoked => ("健康码已被签发方撤销", "The issuer has revoked this code"),
        Reason::RetiredKey => ("签发密钥已停用", "Signed with a retired key"),
        Reason::SeveralCodes => ("请只出示一个码", "Show one code only"),
        Reason::Stop => ("红码", "Red code"),
        Reason::TrustPastLimit => ("信任数据已超期", "Trust data is past its limit"),
        Reason::TrustStale => ("信任数据较旧：核对证件", "Trust data is stale: check the document"),
        Reason::UnderReview => ("健康申报审核中", "The declaration is under review"),
        Reason::UnknownKey => ("未知的签发方或密钥", "Unknown issuer or key"),
        Reason::UnmappedStatus => ("无法识别的健康状态", "The status is not known here"),
        Reason::CompareDocument => ("政策要求核对证件", "The rules ask to compare the document"),
        Reason::NatMissing => ("缺少核酸检测结果", "There is no nucleic-acid test"),
        Reason::NatTooOld => ("核酸检测已超过期限", "The nucleic-acid test is too old"),
        Reason::NatPositive => ("核酸检测阳性", "The nucleic-acid test is positive"),
        Reason::NatPending => ("核酸检测结果未出", "The nucleic-acid test has no result yet"),
        Reason::NotCommuter => ("未登记为通勤人员", "Not a registered commuter"),
        Reason::RiskArea => ("曾到访风险地区", "Has been to an area of risk"),
        Reason::Unreadable => ("看到二维码，但无法识读", "A code is seen but cannot be read"),
        Reason::NotInExtract => {
            ("本机数据中查无此人", "Nobody with this document is in this terminal's data")
        }
        Reason::IdMismatch => ("证件与健康码不符", "The document is not the code holder's"),
        Reason::Watch => ("黄码", "Yellow code"),
        Reason::WithdrawnSeries => {
            ("该系列码已停用，请改用省级码", "Code series withdrawn: open the provincial code")
        }
    };
    Words::new(zh, en)
}

/// What to do now.
pub(super) fn advice(verdict: Verdict, reason: Option<Reason>) -> Words {
    let (zh, en) = match (verdict, reason) {
        (Verdict::Pass, _) => ("请通过", "Please go through"),
        (Verdict::CheckId, _) => (
            "核对姓名和证件末四位，相符后放行",
            "Let pass once name and last four characters agree",
        ),
        (Verdict::Refer, Some(Reason::NotInExtract)) => (
            "请出示纸质码或同行人代办的码，否则人工登记",
            "Show a paper code or one that a companion handles; else register by hand",
        ),
        (Verdict::Refer, _) => ("请到人工核验台", "Please go to the desk"),
        (Verdict::Deny, _) => {
            ("请勿通行，请听从工作人员安排", "Do not enter; staff will tell you more")
        }
        (Verdict::Retry, Some(Reason::ForeignSymbol)) => {
            ("请打开健康码后重新出示", "Open your health code and show that")
        }
        (Verdict::Retry, Some(Reason::SeveralCodes)) => {
            ("请遮住其他二维码，逐个出示", "Cover the others and show them one by one")
        }
        (Verdict::Retry, _) => {
            ("请调亮屏幕，对准取景框", "Brighten the screen and hold it in the frame")
        }
    };
    Words::new(zh, en)
}

/// What a check is called.
pub(super) fn check(kind: CheckKind) -> Words {
    let (zh, en) = match kind {
        CheckKind::Clock => ("终端时钟", "Clock"),
        CheckKind::Policy => ("场所与政策", "Place and policy"),
        CheckKind::TrustAge => ("信任数据时效", "Age of trust data"),
        CheckKind::Form => ("码的格式", "Form of the code"),
        CheckKind::Key => ("签发方与密钥", "Issuer and key"),
        CheckKind::Signature => ("数字签名", "Signature"),
        CheckKind::Retirement => ("密钥在用", "Key in use"),
        CheckKind::Dates => ("有效期", "Dates"),
        CheckKind::Revocation => ("撤销名单", "Revocation"),
        CheckKind::Recognition => ("互认", "Recognition"),
        CheckKind::Status => ("健康状态", "Status"),
        CheckKind::Rule => ("规则", "Rule"),
        CheckKind::Repeat => ("重复出示", "Shown before"),
        CheckKind::Document => ("证件核对", "Document"),
    };
    Words::new(zh, en)
}
