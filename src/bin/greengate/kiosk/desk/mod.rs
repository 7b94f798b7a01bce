//! The desk, driven: what its state machine asks for is done here, by the lane and its store.
//!
//! Everything is on record before it is shown. What is known of a person is dropped, and with it
//! wiped, as soon as the state machine says so. The key of the look-up extract is in this process's
//! locked memory alone, and gone with the shift.

#[cfg(test)]
mod tests;
pub(crate) mod view;

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::TimeDelta;
use greengate::{
    audit::{Consent, ConsentBy, ConsentHow, Found, IdOutcome, OverrideReason},
    clock::{Timestamp, in_shanghai, shanghai_date},
    credential::{CodeDigest, MatchKeys},
    decision::Verdict,
    device::id_card::{
        notice::{Gone, Notice},
        port::SerialCardReader,
    },
    id_document::DocumentNumber,
    language::Words,
    presentation::{Audience, Presentation, id_document},
    registration::{Person, PersonName, Registration, RegistrationReason},
    roster::{self, EpochToken, Roster, RosterError},
    session::desk::{Agreed, Desk, DeskEffect, DeskEvent, Entry, Key},
    shift::{
        Agreement, Comparison, Duty, Known, LookUpGuard, OverrideError, Pin, Shift, ShiftEvent,
        ShiftReport, Span,
    },
    store::SignInError,
};

use self::view::{Around, Hour, View};
use crate::lane::{Judged, Lane, Showing};

/// How long the lane has the window if no code is shown.
const SCANNING_FOR: TimeDelta = TimeDelta::seconds(60);

/// How long a turn waits for the reader of cards.
const READER_PATIENCE: Duration = Duration::from_millis(5);

/// What a desk is given when it is set up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Setting {
    /// The serial port of the reader of cards.
    pub(crate) reader: Option<PathBuf>,
    /// The token with the extract's key, such as on the operator's stick.
    pub(crate) token: Option<PathBuf>,
    /// The folder that reports are written into, such as a USB stick.
    pub(crate) export: Option<PathBuf>,
    /// Whether texts are larger than usual.
    pub(crate) large: bool,
    /// The terminal's state, where the extract is kept.
    pub(crate) state: PathBuf,
}

/// A desk beside a lane.
pub(crate) struct Counter {
    setting: Setting,
    desk: Desk,
    shift: Shift,
    guard: LookUpGuard,
    reader: Option<SerialCardReader>,
    token: Option<EpochToken>,
    person: Option<LookedUp>,
    report: Option<ShiftReport>,
    around: Around,
    reasons: Vec<OverrideReason>,
    scanning: Option<Scanning>,
    /// What was done last, to be said once the person's data are gone.
    said: Option<Words>,
    shown: View,
}

/// The lane has the window.
struct Scanning {
    since: Timestamp,
    /// Whether a code was judged since.
    has_result: bool,
}

/// What is known of the person at the desk.
struct LookedUp {
    judged: Judged,
    /// The document's digest, under the terminal's key.
    document: CodeDigest,
    dated: Option<Timestamp>,
}

impl Counter {
    /// A desk at which nobody is on duty.
    pub(crate) fn new(setting: Setting, now: Timestamp) -> Self {
        let port = setting.reader.clone();
        let reader = port.map(|port| SerialCardReader::at(port, READER_PATIENCE));
        Self {
            setting,
            desk: Desk::new(now),
            shift: Shift::default(),
            guard: LookUpGuard::default(),
            reader,
            token: None,
            person: None,
            report: None,
            around: Around::default(),
            reasons: Vec::new(),
            scanning: None,
            said: None,
            shown: View::default(),
        }
    }

    /// Whether the lane has the window, for a code to be shown to the camera.
    pub(crate) fn is_scanning(&self) -> bool {
        self.scanning.is_some()
    }

    /// Takes the window back from the lane once the result that it showed is over, when nobody
    /// showed anything for too long, or when it can show nothing.
    pub(crate) fn follow_lane(&mut self, showing: Option<&Showing>, now: Timestamp) {
        let Some(scanning) = &mut self.scanning else {
            if matches!(showing, Some(Showing::Camera | Showing::OutOfService)) {
                // Whatever became of the lane, the desk is to be shown again.
                self.shown = View::default();
            }
            return;
        };
        let is_over = match showing {
            Some(Showing::Result(_)) => {
                scanning.has_result = true;
                false
            }
            Some(Showing::Camera) => scanning.has_result,
            _ => !scanning.has_result && now - scanning.since >= SCANNING_FOR,
        };
        if is_over {
            self.scanning = None;
            self.shown = View::default();
        }
    }

    /// The way on of that number, among those that are shown.
    pub(crate) fn choose(&mut self, number: usize, lane: &mut Lane, now: Timestamp) {
        let way = self.shown.ways.iter().flatten().nth(number);
        if let Some(choice) = way.map(|way| way.choice) {
            self.on(DeskEvent::Chosen(choice), lane, now);
        }
    }

    /// A key that was typed or touched.
    pub(crate) fn press(&mut self, key: Key, lane: &mut Lane, now: Timestamp) {
        self.around.trouble = Words::default();
        self.on(DeskEvent::Key(key), lane, now);
    }

    /// Lets time pass, and listens to the reader of cards.
    pub(crate) fn tick(&mut self, lane: &mut Lane, now: Timestamp) {
        let is_on = matches!(self.shift.duty(), Duty::On { .. });
        self.move_shift(ShiftEvent::Tick, lane, now);
        if is_on && !matches!(self.shift.duty(), Duty::On { .. }) {
            self.on(DeskEvent::Locked, lane, now);
        }
        match self.reader.as_mut().and_then(|reader| reader.turn(now)) {
            Some(Notice::Found(card)) => {
                let number = DocumentNumber::parse(card.number().as_str(), shanghai_date(now));
                match number {
                    Ok(number) => self.on(DeskEvent::Card(number), lane, now),
                    Err(error) => self.around.trouble = id_document::number_error(error),
                }
            }
            Some(Notice::Gone(gone)) => self.around.reader = gone_words(gone),
            Some(Notice::Ready | Notice::Removed) => {
                self.around.reader =
                    Words::new("可将身份证放在读卡器上", "Put the card on the reader");
            }
            Some(Notice::Unread(_)) => {
                self.around.trouble = Words::new(
                    "读卡失败：请取下重放",
                    "The card was not read: take it off, put it on again",
                );
            }
            None => {}
        }
        self.on(DeskEvent::Tick, lane, now);
    }

    /// What the desk shows, and the result on it, if it has changed since it was last asked.
    pub(crate) fn view(&mut self, now: Timestamp) -> Option<(View, Option<Presentation>)> {
        let view = View::of(&self.desk, &self.around, shanghai_date(now));
        let view = View { is_large: self.setting.large, ..view };
        if view == self.shown {
            return None;
        }
        self.shown = view.clone();
        let presentation = self.person.as_ref().map(|person| person.judged.presentation.clone());
        Some((view, presentation))
    }

    /// Moves the desk on, and does what it asks for, until it asks for nothing more.
    fn on(&mut self, event: DeskEvent, lane: &mut Lane, now: Timestamp) {
        if !matches!(event, DeskEvent::Tick) {
            self.move_shift(ShiftEvent::Touch, lane, now);
        }
        let mut event = Some(event);
        while let Some(next) = event {
            let effect = self.desk.on(next, now);
            event = effect.and_then(|effect| self.follow(effect, lane, now));
        }
        if let Some(said) = self.said.take() {
            self.around.trouble = said;
        }
    }

    fn follow(&mut self, effect: DeskEffect, lane: &mut Lane, now: Timestamp) -> Option<DeskEvent> {
        let done = match effect {
            DeskEffect::CompareCard(number) => {
                self.compare(Comparison::Number(&number, &MatchKeys::NONE), lane, now)
            }
            DeskEffect::Compared { agrees } => {
                let seen = if agrees { Agreement::Match } else { Agreement::NoMatch };
                self.compare(Comparison::Seen(seen), lane, now)
            }
            DeskEffect::Export => self.export(lane, now),
            DeskEffect::Lock => {
                self.move_shift(ShiftEvent::Lock, lane, now);
                self.wipe();
                Ok(None)
            }
            DeskEffect::LookUp { agreed, number } => self.look_up(agreed, &number, lane, now),
            DeskEffect::Override { reason, second, .. } => self.overrule(reason, second, lane, now),
            DeskEffect::Register { name } => self.register(&name, lane, now),
            DeskEffect::Report => self.report(lane, now),
            DeskEffect::Scan => {
                self.wipe();
                self.scanning = Some(Scanning { since: now, has_result: false });
                Ok(None)
            }
            DeskEffect::SignIn(staff, pin) => self.sign_in(&staff, &pin, lane, now),
            DeskEffect::SignOut => {
                self.move_shift(ShiftEvent::SignOut, lane, now);
                self.token = None;
                self.wipe();
                Ok(None)
            }
            DeskEffect::Wipe => {
                self.wipe();
                Ok(None)
            }
        };
        done.unwrap_or_else(|trouble| {
            self.around.trouble = trouble;
            None
        })
    }

    /// Drops what is known of the person.
    fn wipe(&mut self) {
        self.person = None;
        self.report = None;
        self.around = Around {
            staff: std::mem::take(&mut self.around.staff),
            reader: std::mem::take(&mut self.around.reader),
            ..Around::default()
        };
    }

    /// Moves the shift on, and keeps what is to be recorded of it.
    fn move_shift(&mut self, event: ShiftEvent, lane: &mut Lane, now: Timestamp) {
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

    fn known(staff: &str, pin: &Entry, lane: &mut Lane, now: Timestamp) -> Result<Known, Words> {
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

    fn sign_in(&mut self, staff: &str, pin: &Entry, lane: &mut Lane, now: Timestamp) -> Done {
        let known = Self::known(staff, pin, lane, now)?;
        self.around.trouble = Words::default();
        self.move_shift(ShiftEvent::Enter(known), lane, now);
        if !matches!(self.shift.duty(), Duty::On { .. }) {
            return Ok(None);
        }
        if let Some(path) = &self.setting.token {
            match EpochToken::open(path) {
                Ok(token) => self.token = Some(token),
                Err(error) => self.around.trouble = roster_words(&error),
            }
        }
        Ok(Some(DeskEvent::SignedIn))
    }

    fn look_up(
        &mut self,
        agreed: Agreed,
        number: &DocumentNumber,
        lane: &mut Lane,
        now: Timestamp,
    ) -> Done {
        let by = self.shift.staff().cloned().ok_or_else(|| told(&"nobody is on duty"))?;
        let made = lane.store().look_ups_today(&by, now).map_err(|_| unwritten())?;
        let allowed = self.guard.allow(&self.shift, consent(agreed), made, now);
        let allowed = allowed.map_err(|refused| told(&refused))?;
        let found = self.find(number, lane, now);
        let document = lane.store().digest_key().of_document(number);
        // Whoever was asked for is on record, whatever came of it.
        let is_found = matches!(found, Ok((Some(_), _)));
        let found_word = if is_found { Found::Found } else { Found::NotFound };
        lane.store().note(&allowed.done(document, found_word), now).map_err(|_| unwritten())?;
        let (code, dated) = found?;
        let judged = lane.judge_looked_up(code, number, now).map_err(|_| unwritten())?;
        let verdict = judged.decision.verdict();
        self.show(LookedUp { judged, document, dated }, lane, now);
        Ok(Some(if is_found { DeskEvent::Judged(verdict) } else { DeskEvent::NotFound }))
    }

    /// The code of whose document this is, and of when the extract's data are.
    fn find(
        &self,
        number: &DocumentNumber,
        lane: &mut Lane,
        now: Timestamp,
    ) -> Result<(Option<greengate::symbol::SymbolText>, Option<Timestamp>), Words> {
        let terminal = lane.store().terminal().map_err(|_| unwritten())?;
        let none = || {
            Words::new(
                "本机没有查询名单：请用纸质码或人工登记",
                "This terminal has no look-up extract: use a paper code, or register",
            )
        };
        let terminal = terminal.ok_or_else(none)?;
        let roster: Roster = roster::keep::open(&self.setting.state, &terminal)
            .map_err(|error| roster_words(&error))?
            .ok_or_else(none)?;
        let token = self.token.as_ref().ok_or_else(|| {
            Words::new(
                "没有今日密钥：请插入操作员 U 盘后重新登录",
                "No key of today: bring the operator's token, and sign in again",
            )
        })?;
        let unlocked = roster.unlock(token).map_err(|error| roster_words(&error))?;
        let code = unlocked.look_up(number, now).map_err(|error| roster_words(&error))?;
        Ok((code, Some(roster.dated())))
    }

    /// Has a result on the desk, with what the holder may read of it.
    fn show(&mut self, person: LookedUp, lane: &mut Lane, now: Timestamp) {
        let decision = &person.judged.decision;
        let soft = Presentation::of(decision, lane.basis(), Audience::Public, now);
        self.around.soft = match decision.verdict() {
            Verdict::Pass => Words::new("可以通行", "You may pass"),
            Verdict::CheckId => Words::new("请出示证件", "Please show your document"),
            Verdict::Refer | Verdict::Deny | Verdict::Retry => soft.reason,
        };
        self.around.facts = person
            .dated
            .map(|dated| {
                let dated = in_shanghai(dated).format("%Y-%m-%d %H:%M").to_string();
                vec![(Words::new("数据时间", "Data of"), dated)]
            })
            .unwrap_or_default();
        let place = lane.gate().map(|gate| gate.place);
        let was = decision.reason();
        let answers = |reason: &OverrideReason| reason.answers(was, place);
        self.reasons = OverrideReason::ALL.iter().copied().filter(answers).collect();
        self.around.reasons = self.reasons.iter().map(|reason| reason.words()).collect();
        self.around.trouble = Words::default();
        self.person = Some(person);
    }

    /// Puts down that a document was compared, and does what follows from it.
    fn compare(&mut self, with: Comparison<'_>, lane: &mut Lane, now: Timestamp) -> Done {
        let Some(person) = &self.person else { return Ok(Some(DeskEvent::Done)) };
        let decision = &person.judged.decision;
        let key = lane.store().digest_key();
        let code = decision.credential().map(|credential| key.of(credential));
        let compared = self.shift.compare(decision, with, code).map_err(|error| told(&error))?;
        lane.store().note(&compared.event, now).map_err(|_| unwritten())?;
        match (compared.outcome, self.person.take()) {
            (IdOutcome::TailOnly, person) => {
                self.person = person;
                Err(IdOutcome::TailOnly.words())
            }
            (IdOutcome::NoMatch, Some(LookedUp { judged, document, dated })) => {
                let judged = lane.deny_mismatched(judged.decision, now).map_err(|_| unwritten())?;
                let verdict = judged.decision.verdict();
                self.show(LookedUp { judged, document, dated }, lane, now);
                Ok(Some(DeskEvent::Judged(verdict)))
            }
            (IdOutcome::Match | IdOutcome::NoMatch, _) => {
                self.said = Some(Words::new("证件相符：放行", "Document agrees: let pass"));
                Ok(Some(DeskEvent::Done))
            }
        }
    }

    fn overrule(
        &mut self,
        reason: usize,
        second: Option<(String, Entry)>,
        lane: &mut Lane,
        now: Timestamp,
    ) -> Done {
        let (Some(person), Some(chosen)) = (&self.person, self.reasons.get(reason).copied()) else {
            return Ok(Some(DeskEvent::Done));
        };
        let second = second.map(|(staff, pin)| Self::known(&staff, &pin, lane, now)).transpose()?;
        let place = lane.gate().map(|gate| gate.place);
        let decision = &person.judged.decision;
        let overridden = match self.shift.overrule(decision, chosen, place, second.as_ref()) {
            Err(OverrideError::SecondNeeded) => return Ok(Some(DeskEvent::SecondWanted(reason))),
            Err(error) => return Err(told(&error)),
            Ok(overridden) => overridden,
        };
        lane.store().note(&overridden.done(Some(person.document)), now).map_err(|_| unwritten())?;
        self.said = Some(Words::new("已记录：放行", "On record: let pass"));
        Ok(Some(DeskEvent::Done))
    }

    fn register(&mut self, name: &Entry, lane: &mut Lane, now: Timestamp) -> Done {
        let staff = self.shift.staff().cloned().ok_or_else(|| told(&"nobody is on duty"))?;
        let name =
            PersonName::new(name).ok_or_else(|| Words::new("姓名无法登记", "This is no name"))?;
        let key = lane.store().sealing_key().map_err(|_| unwritten())?.ok_or_else(|| {
            Words::new(
                "没有主管机关的公钥：无法登记",
                "The authority's key is missing: nobody can be registered",
            )
        })?;
        let registration = Registration {
            person: Person::new(name, None),
            reason: RegistrationReason::NotFound,
            guardian: None,
            staff: staff.clone(),
            terminal: lane.store().terminal().map_err(|_| unwritten())?,
            at: now,
        };
        let sealed = registration.seal(&key).map_err(|error| told(&error))?;
        lane.store().keep_registration(&sealed, &staff, now).map_err(|_| unwritten())?;
        self.said = Some(Words::new("已登记", "Registered"));
        Ok(Some(DeskEvent::Done))
    }

    fn report(&mut self, lane: &mut Lane, now: Timestamp) -> Done {
        let Duty::On { by, since, .. } = self.shift.duty() else { return Ok(None) };
        // What was done in this very second counts too.
        let span = Span { staff: Some(by), from: since, to: now + TimeDelta::seconds(1) };
        let report = lane.store().shift_report(span).map_err(|_| unwritten())?;
        self.around.facts = facts(&report);
        self.around.hours = hours(&report);
        self.report = Some(report);
        Ok(None)
    }

    fn export(&mut self, lane: &mut Lane, now: Timestamp) -> Done {
        let Some(report) = self.report.clone() else { return Ok(None) };
        let folder = self.setting.export.clone().ok_or_else(|| {
            Words::new("没有 U 盘：未设置导出目录", "No stick: no folder to export to was given")
        })?;
        let by = self.shift.staff().cloned();
        let signed = lane.store().close_shift(report, by.as_ref(), now).map_err(|_| unwritten())?;
        let name = format!("shift-{}", in_shanghai(now).format("%Y%m%d-%H%M%S"));
        let (csv, svg) = (signed.report().csv(), signed.report().svg());
        let files = [("json", signed.json()), ("csv", csv), ("svg", svg)];
        let written = files
            .iter()
            .try_for_each(|(end, text)| write(&folder.join(format!("{name}.{end}")), text));
        written.map_err(|_| Words::new("无法写入 U 盘", "The stick cannot be written"))?;
        self.around.trouble = Words::new(format!("已导出 {name}"), format!("Written as {name}"));
        Ok(None)
    }
}

/// What came of what the desk asked for: what happens next, or what to tell staff.
type Done = Result<Option<DeskEvent>, Words>;

fn consent(agreed: Agreed) -> Consent {
    let (by, how) = match agreed {
        Agreed::Spoken => (ConsentBy::Holder, ConsentHow::Spoken),
        Agreed::Signed => (ConsentBy::Holder, ConsentHow::Signed),
        Agreed::Guardian => (ConsentBy::Guardian, ConsentHow::Spoken),
    };
    Consent { by, how }
}

/// Writes a file whole, and has the stick keep it.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn unwritten() -> Words {
    Words::new("无法记录：本台暂停服务", "This cannot be recorded: the desk is out of service")
}

/// What a library's error says, to staff who can look its code up.
fn told(error: &dyn std::fmt::Display) -> Words {
    let error = error.to_string();
    Words::new(format!("未能完成：{error}"), error)
}

fn roster_words(error: &RosterError) -> Words {
    let code = error.code();
    Words::new(format!("查询名单不可用 [{code}]"), format!("{error} [{code}]"))
}

fn gone_words(gone: Gone) -> Words {
    match gone {
        Gone::Faulty(_) => Words::new("读卡器故障", "The card reader reports a fault"),
        Gone::Silent => Words::new("读卡器没有响应", "The card reader does not answer"),
        Gone::Unplugged => Words::new("读卡器未连接", "The card reader is not plugged in"),
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
        facts.push((Words::new("证件查询", "Look-ups"), operator.look_ups.to_string()));
        facts.push((Words::new("人工登记", "Registered by hand"), operator.registered.to_string()));
        facts.push((Words::new("改判放行", "Overrides"), operator.overrides.len().to_string()));
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
