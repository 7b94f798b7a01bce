//! What the desk says of what went wrong.

use greengate::{device::id_card::notice::Gone, language::Words, roster::RosterError};

pub(super) fn unwritten() -> Words {
    Words::new("无法记录：本台暂停服务", "This cannot be recorded: the desk is out of service")
}

/// What a library's error says, to staff who can look its code up.
pub(super) fn told(error: &dyn std::fmt::Display) -> Words {
    let error = error.to_string();
    Words::new(format!("未能完成：{error}"), error)
}

pub(super) fn roster_words(error: &RosterError) -> Words {
    let code = error.code();
    Words::new(format!("查询名单不可用 [{code}]"), format!("{error} [{code}]"))
}

pub(super) fn gone_words(gone: Gone) -> Words {
    match gone {
        Gone::Faulty(_) => Words::new("读卡器故障", "The card reader reports a fault"),
        Gone::Silent => Words::new("读卡器没有响应", "The card reader does not answer"),
        Gone::Unplugged => Words::new("读卡器未连接", "The card reader is not plugged in"),
    }
}
