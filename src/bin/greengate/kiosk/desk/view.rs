//! What the desk shows: the state of [`Desk`](session::Desk), in words.

use chrono::NaiveDate;
use greengate::{
    decision::Verdict,
    id_document::Typed,
    language::Words,
    presentation,
    session::desk::{Agreed, Choice, Credentials, Desk, Step},
};

/// Which keys are shown for those who have no keyboard.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Keypad {
    #[default]
    None,
    Digits,
    /// Digits, and the letter that a citizen's number may end in.
    Tail,
    All,
}

/// How much a way on stands out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Weight {
    Plain,
    Usual,
}

/// A way on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Way {
    pub(crate) choice: Choice,
    pub(crate) weight: Weight,
    pub(crate) words: Words,
}

/// An hour of a shift: how many came, and how many of them passed at once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Hour {
    pub(crate) name: String,
    pub(crate) people: u64,
    pub(crate) passed: u64,
}

/// What the desk knows beside its state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Around {
    /// Who is on duty.
    pub(crate) staff: Words,
    /// Why what was asked for was not done.
    pub(crate) trouble: Words,
    /// The reasons for which somebody may pass against a verdict.
    pub(crate) reasons: Vec<Words>,
    /// Of when the data are that a look-up has found somebody in; nothing if nobody was.
    pub(crate) dated: Words,
    /// What the shift added up to.
    pub(crate) facts: Vec<(Words, String)>,
    /// Hour by hour.
    pub(crate) hours: Vec<Hour>,
    /// What becomes of the reader of cards.
    pub(crate) reader: Words,
    /// What is wrong with the camera, nothing if it is there.
    pub(crate) camera: Words,
    /// Whether people who come together are counted together.
    pub(crate) in_group: bool,
    /// What the holder may read of the verdict.
    pub(crate) soft: Words,
}

/// What the desk shows, set whole.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct View {
    /// Which view this is.
    pub(crate) serial: i32,
    pub(crate) step: i32,
    pub(crate) title: Words,
    pub(crate) prompt: Words,
    pub(crate) trouble: Words,
    /// What is typed, and whether it is whole; nothing, if nothing is asked for.
    pub(crate) entry: Option<(String, bool)>,
    pub(crate) keypad: Keypad,
    pub(crate) ways: Vec<Vec<Way>>,
    pub(crate) has_card: bool,
    /// Of when the data are that it rests on; nothing if it does not rest on an extract's.
    pub(crate) dated: Words,
    /// Whether the camera's picture is shown.
    pub(crate) has_picture: bool,
    pub(crate) is_large: bool,
    pub(crate) facts: Vec<(Words, String)>,
    pub(crate) hours: Vec<Hour>,
    pub(crate) staff: Words,
    pub(crate) holder: Words,
    /// What is said all the time.
    pub(crate) note: Words,
}

impl View {
    /// What the desk shows on that day.
    pub(crate) fn of(desk: &Desk, around: &Around, today: NaiveDate) -> Self {
        let view = match desk.step() {
            Step::SignIn(who) => {
                Self::sign_in(who, Words::new("上岗登录", "Sign in"), &Words::default())
            }
            Step::Home => Self::home(around.in_group),
            Step::Consent => Self::consent(),
            Step::Document { entry, .. } => {
                Self::document(desk.typed(today).as_ref(), entry, around)
            }
            Step::Scan => Self::scan(around),
            Step::Verdict { verdict: Verdict::CheckId, is_compared, entry } => {
                Self::check_id(*is_compared, entry, around)
            }
            Step::Verdict { verdict, .. } => Self::verdict(*verdict),
            Step::NotFound => Self::not_found(),
            Step::Reasons(from) => Self::reasons(*from, &around.reasons),
            Step::Second { who, .. } => Self::sign_in(
                who,
                Words::new("第二人授权", "A second person"),
                &Words::new(
                    "不予通行改为放行，须由另一名班长输入工号和密码",
                    "From STOP to pass: another supervisor's number and PIN",
                ),
            ),
            Step::Register(entry) => Self::register(entry),
            Step::Report => Self::report(around),
        };
        let trouble =
            if view.trouble == Words::default() { around.trouble.clone() } else { view.trouble };
        let holder = match desk.step() {
            Step::Verdict { .. } | Step::NotFound => around.soft.clone(),
            Step::SignIn(_) | Step::Report => Words::new("本台暂停服务", "This desk is closed"),
            Step::Home => {
                Words::new("无健康码通道\n请出示身份证件", "No health code?\nPlease show your ID")
            }
            Step::Scan => Words::new("请出示健康码", "Show your health code"),
            _ => Words::new("请稍候", "One moment, please"),
        };
        let (staff, dated) = (around.staff.clone(), around.dated.clone());
        Self { trouble, dated, staff, holder, ..view }
    }

    fn sign_in(who: &Credentials, title: Words, prompt: &Words) -> Self {
        let asks_for_pin = who.staff.is_some();
        let shown = if asks_for_pin {
            "●".repeat(who.entry.chars().count())
        } else {
            who.entry.to_string()
        };
        let asked = if asks_for_pin {
            Words::new("请输入密码，按确认", "Type the PIN, then Enter")
        } else {
            Words::new("请输入工号，按确认", "Type the staff number, then Enter")
        };
        let prompt = if *prompt == Words::default() {
            asked
        } else {
            Words::new(
                format!("{}。{}", prompt.zh, asked.zh),
                format!("{}. {}", prompt.en, asked.en),
            )
        };
        Self {
            title,
            prompt,
            entry: Some((shown, false)),
            keypad: Keypad::Digits,
            ..Self::default()
        }
    }

    fn home(in_group: bool) -> Self {
        let group = plain(Choice::Group, "多人同行：开始计数", "Begin a group");
        let mut codes = vec![plain(Choice::Scan, "扫纸质码、代办码", "Scan a code")];
        codes.extend((!in_group).then_some(group));
        Self {
            title: Words::new("无健康码通道", "No health code desk"),
            prompt: Words::new(
                "没有智能手机的人员：同意、证件、结果三步完成",
                "For people without a smart phone: consent, document, verdict",
            ),
            ways: vec![
                vec![usual(Choice::LookUp, "凭证件查询", "Look up by document")],
                codes,
                vec![
                    plain(Choice::Lock, "离开并锁定", "Lock the desk"),
                    plain(Choice::EndShift, "交班", "End the shift"),
                ],
            ],
            ..Self::default()
        }
    }

    fn consent() -> Self {
        let ask = |agreed, zh: &str, en: &str| usual(Choice::Consent(agreed), zh, en);
        Self {
            step: 1,
            title: Words::new("本人是否同意查询？", "Does the person agree to be looked up?"),
            prompt: Words::new(
                "请告知：凭证件在本机查询健康状态，不保存姓名和证件号码",
                "Say: the status is looked up on this terminal by the document; neither name nor number is kept",
            ),
            ways: vec![
                vec![
                    ask(Agreed::Spoken, "本人口头同意", "Yes, by word"),
                    ask(Agreed::Signed, "本人签字同意", "Yes, signed"),
                ],
                vec![
                    ask(Agreed::Guardian, "监护人同意", "Guardian agrees"),
                    plain(Choice::Cancel, "不同意", "No"),
                ],
            ],
            ..Self::default()
        }
    }

    fn document(typed: Option<&Typed>, entry: &str, around: &Around) -> Self {
        let asked = Words::new("输入号码后按确认", "Type the number, then Enter");
        let prompt = or_on_reader(&around.reader, asked);
        let is_whole = matches!(typed, Some(Typed::Complete { .. }));
        let trouble = match typed {
            Some(Typed::Wrong { .. }) => {
                typed.map(presentation::id_document::typed).unwrap_or_default()
            }
            _ => Words::default(),
        };
        Self {
            step: 2,
            title: Words::new("请出示证件", "Which document?"),
            prompt,
            trouble,
            entry: Some((grouped(entry), is_whole)),
            keypad: Keypad::All,
            ..Self::default()
        }
    }

    fn scan(around: &Around) -> Self {
        let shown = Words::new(
            "纸质码或监护人的代办码，放在取景框内",
            "A paper code, or a guardian's bound codes one after the other, inside the frame",
        );
        let has_picture = around.camera == Words::default();
        Self {
            title: Words::new("请出示健康码", "Show the health code"),
            prompt: if has_picture { shown } else { around.camera.clone() },
            has_picture,
            ways: vec![vec![cancel()]],
            ..Self::default()
        }
    }

    /// The document is compared: by machine, and then by staff.
    fn check_id(is_compared: bool, entry: &str, around: &Around) -> Self {
        let differs = plain(Choice::Differs, "证件不符", "Does not agree");
        let view = Self { step: 3, has_card: true, ..Self::default() };
        if is_compared {
            let agrees = usual(Choice::Agrees, "证件相符：放行", "Agrees: let pass");
            return Self {
                title: Words::new("请核对姓名和面容", "Compare name and face"),
                ways: vec![vec![agrees, differs, override_it()]],
                ..view
            };
        }
        let typed = Words::new("输入证件号码后四位", "Type the document's last 4");
        Self {
            title: or_on_reader(&around.reader, typed),
            entry: Some((entry.to_uppercase(), entry.chars().count() == 4)),
            keypad: Keypad::Tail,
            ways: vec![vec![differs, override_it()]],
            ..view
        }
    }

    fn verdict(verdict: Verdict) -> Self {
        let next = usual(Choice::Next, "下一位", "Next person");
        let ways = match verdict {
            Verdict::Pass | Verdict::Retry => vec![vec![next]],
            Verdict::CheckId | Verdict::Refer | Verdict::Deny => vec![vec![next, override_it()]],
        };
        Self {
            step: 3,
            title: Words::new("查询结果", "Result"),
            has_card: true,
            ways,
            ..Self::default()
        }
    }

    fn not_found() -> Self {
        Self {
            step: 3,
            title: Words::new("未查到此人", "Not in the extract"),
            prompt: Words::new(
                "名单只含本地需协助人员：请改用纸质码、代办码或人工登记",
                "It has these counties alone: scan a code, or register",
            ),
            has_card: true,
            ways: vec![vec![
                usual(Choice::Scan, "扫纸质码、代办码", "Scan a code"),
                plain(Choice::Register, "人工登记", "Register by hand"),
                plain(Choice::Next, "下一位", "Next person"),
            ]],
            ..Self::default()
        }
    }

    fn reasons(from: Verdict, reasons: &[Words]) -> Self {
        let ways = reasons.iter().enumerate().map(|(reason, words)| Way {
            choice: Choice::Reason(reason),
            weight: Weight::Plain,
            words: words.clone(),
        });
        let ways: Vec<_> = ways.collect();
        let mut ways: Vec<_> = ways.chunks(2).map(<[Way]>::to_vec).collect();
        ways.push(vec![cancel()]);
        let prompt = match from {
            Verdict::Deny => {
                Words::new("须第二人授权；记录在案", "Needs a second person; it is on record")
            }
            _ => Words::new(
                "记录在案，交班时列出",
                "It is on record, and listed when the shift ends",
            ),
        };
        Self {
            step: 3,
            title: Words::new("改判放行的理由", "Why let pass?"),
            prompt,
            ways,
            ..Self::default()
        }
    }

    fn register(entry: &str) -> Self {
        Self {
            step: 3,
            title: Words::new("人工登记：姓名", "Register by hand: the name"),
            prompt: Words::new(
                "登记加密保存，本机不可读取，同步时送出并删除",
                "Sealed for the authority: this terminal cannot read it, and erases it once it is sent",
            ),
            entry: Some((entry.to_owned(), !entry.trim().is_empty())),
            keypad: Keypad::All,
            ..Self::default()
        }
    }

    fn report(around: &Around) -> Self {
        Self {
            title: Words::new("交班汇总", "What the shift added up to"),
            facts: around.facts.clone(),
            hours: around.hours.clone(),
            ways: vec![vec![
                plain(Choice::Export, "导出到 U 盘", "To the USB stick"),
                plain(Choice::Cancel, "返回", "Back"),
                usual(Choice::SignOut, "签退", "Sign out"),
            ]],
            ..Self::default()
        }
    }
}

fn plain(choice: Choice, zh: &str, en: &str) -> Way {
    Way { choice, weight: Weight::Plain, words: Words::new(zh, en) }
}

fn usual(choice: Choice, zh: &str, en: &str) -> Way {
    Way { weight: Weight::Usual, ..plain(choice, zh, en) }
}

fn override_it() -> Way {
    plain(Choice::Override, "改判放行…", "Override…")
}

/// What becomes of the reader of cards, if there is one, before what is asked for.
fn or_on_reader(reader: &Words, asked: Words) -> Words {
    if *reader == Words::default() {
        return asked;
    }
    Words::new(format!("{}；{}", reader.zh, asked.zh), format!("{}; {}", reader.en, asked.en))
}

fn cancel() -> Way {
    plain(Choice::Cancel, "取消", "Cancel")
}

/// A number as it is easiest to compare: a citizen's by area, birth, and the rest.
fn grouped(entry: &str) -> String {
    let characters: Vec<_> = entry.chars().collect();
    if characters.len() < 7
        || characters.iter().take(6).any(|character| !character.is_ascii_digit())
    {
        return entry.to_owned();
    }
    let mut shown = String::new();
    for (place, character) in characters.into_iter().enumerate() {
        if place == 6 || place == 14 {
            shown.push(' ');
        }
        shown.push(character);
    }
    shown
}
