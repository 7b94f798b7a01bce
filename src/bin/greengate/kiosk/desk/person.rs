//! The person at the desk: looked up or shown a code, compared, let pass against a verdict, or put
//! down by hand.

use greengate::{
    audit::{Consent, ConsentBy, ConsentHow, Found, IdOutcome, OverrideReason},
    clock::{Timestamp, in_shanghai},
    credential::CodeDigest,
    decision::Verdict,
    id_document::DocumentNumber,
    language::Words,
    registration::{Person, PersonDocument, PersonName, Registration, RegistrationReason},
    roster::{self, Roster},
    session::desk::{Agreed, DeskEvent, Entry},
    shift::{Comparison, OverrideError},
    symbol::SymbolText,
};

use super::{
    Counter, Done,
    key::{TodaysKey, TokenSource},
    words::{roster_words, told, unwritten},
};
use crate::lane::{Judged, Lane};

/// What is known of the person at the desk.
pub(super) struct Attended {
    pub(super) judged: Judged,
    /// The document's digest, under the terminal's key, if somebody was looked up by it.
    pub(super) document: Option<CodeDigest>,
    /// Of when the extract's data are.
    pub(super) dated: Option<Timestamp>,
}

impl Attended {
    /// Whether a code was shown, and nobody looked up.
    pub(super) fn has_shown_a_code(&self) -> bool {
        self.document.is_none()
    }
}

impl Counter {
    /// Takes over what the lane has judged of a code that was shown to it.
    pub(super) fn take(&mut self, judged: Judged, lane: &mut Lane, now: Timestamp) -> DeskEvent {
        let verdict = judged.decision.verdict();
        if verdict == Verdict::Retry {
            self.around.trouble = judged.presentation.reason;
        } else {
            lane.clear(now);
            self.show(Attended { judged, document: None, dated: None }, lane);
        }
        DeskEvent::Scanned(verdict)
    }

    pub(super) fn look_up(
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
        let keys = self.key.match_keys(now);
        let judged = lane.judge_looked_up(code, number, keys, now).map_err(|_| unwritten())?;
        let verdict = judged.decision.verdict();
        self.show(Attended { judged, document: Some(document), dated }, lane);
        self.asked_for = Some(number.clone());
        Ok(Some(if is_found { DeskEvent::Judged(verdict) } else { DeskEvent::NotFound }))
    }

    /// The code of whose document this is, and of when the extract's data are.
    pub(super) fn find(
        &mut self,
        number: &DocumentNumber,
        lane: &mut Lane,
        now: Timestamp,
    ) -> Result<(Option<SymbolText>, Option<Timestamp>), Words> {
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
        let token = self.key.of(&roster, now)?;
        let unlocked = roster.unlock(token).map_err(|error| roster_words(&error))?;
        let code = unlocked.look_up(number, now).map_err(|error| roster_words(&error))?;
        Ok((code, Some(roster.dated())))
    }

    /// Has a result on the desk, with what the holder may read of it.
    pub(super) fn show(&mut self, person: Attended, lane: &Lane) {
        let decision = &person.judged.decision;
        self.around.soft = match decision.verdict() {
            Verdict::Pass => Words::new("可以通行", "You may pass"),
            Verdict::CheckId => Words::new("请出示证件", "Please show your document"),
            Verdict::Refer | Verdict::Deny | Verdict::Retry => {
                Words::new("请听工作人员说明", "Please wait: staff will help you")
            }
        };
        self.around.dated = person.dated.map(dated).unwrap_or_default();
        let place = lane.gate().map(|gate| gate.place);
        let was = decision.reason();
        let answers = |reason: &OverrideReason| reason.answers(was, place);
        self.reasons = OverrideReason::ALL.iter().copied().filter(answers).collect();
        self.around.reasons = self.reasons.iter().map(|reason| reason.words()).collect();
        self.around.trouble = Words::default();
        self.person = Some(person);
        // Another person's result may look the same beside the card.
        self.is_hidden = true;
    }

    /// Compares a document that was read or typed with the code, by the whole number if that can be.
    pub(super) fn compare_number(
        &mut self,
        number: &DocumentNumber,
        lane: &mut Lane,
        now: Timestamp,
    ) -> Done {
        // Out of the way while the desk is changed by what comes of it.
        let key = std::mem::replace(&mut self.key, TodaysKey::from(TokenSource::None));
        let done = self.compare(Comparison::Number(number, key.match_keys(now)), lane, now);
        self.key = key;
        done
    }

    /// Puts down that a document was compared, and does what follows from it.
    pub(super) fn compare(
        &mut self,
        with: Comparison<'_>,
        lane: &mut Lane,
        now: Timestamp,
    ) -> Done {
        let Some(person) = &self.person else { return Ok(Some(DeskEvent::Done)) };
        let decision = &person.judged.decision;
        let key = lane.store().digest_key();
        let code = decision.credential().map(|credential| key.of(credential));
        let compared = self.shift.compare(decision, with, code).map_err(|error| told(&error))?;
        lane.store().note(&compared.event, now).map_err(|_| unwritten())?;
        match compared.outcome {
            IdOutcome::Match => {
                lane.agree();
                self.said = Some(Words::new("证件相符：放行", "Document agrees: let pass"));
                Ok(Some(DeskEvent::Done))
            }
            IdOutcome::NoMatch => {
                let Some(Attended { judged, document, dated }) = self.person.take() else {
                    return Ok(Some(DeskEvent::Done));
                };
                let judged = lane.deny_mismatched(judged.decision, now).map_err(|_| unwritten())?;
                let verdict = judged.decision.verdict();
                self.show(Attended { judged, document, dated }, lane);
                Ok(Some(DeskEvent::Judged(verdict)))
            }
            IdOutcome::TailOnly => Ok(Some(DeskEvent::TailAgrees)),
        }
    }

    pub(super) fn overrule(
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
        lane.store().note(&overridden.done(person.document), now).map_err(|_| unwritten())?;
        self.said = Some(Words::new("已记录：放行", "On record: let pass"));
        Ok(Some(DeskEvent::Done))
    }

    pub(super) fn register(&mut self, name: &Entry, lane: &mut Lane, now: Timestamp) -> Done {
        let staff = self.shift.staff().cloned().ok_or_else(|| told(&"nobody is on duty"))?;
        let name =
            PersonName::new(name).ok_or_else(|| Words::new("姓名无法登记", "This is no name"))?;
        let key = lane.store().sealing_key().map_err(|_| unwritten())?.ok_or_else(|| {
            Words::new(
                "没有主管机关的公钥：无法登记",
                "The authority's key is missing: nobody can be registered",
            )
        })?;
        let document = self.asked_for.as_ref().map(PersonDocument::of);
        let registration = Registration {
            person: Person::new(name, document),
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
}

fn consent(agreed: Agreed) -> Consent {
    let (by, how) = match agreed {
        Agreed::Spoken => (ConsentBy::Holder, ConsentHow::Spoken),
        Agreed::Signed => (ConsentBy::Holder, ConsentHow::Signed),
        Agreed::Guardian => (ConsentBy::Guardian, ConsentHow::Spoken),
    };
    Consent { by, how }
}

fn dated(at: Timestamp) -> Words {
    let at = in_shanghai(at).format("%Y-%m-%d %H:%M");
    Words::new(format!("数据时间 {at}"), format!("Data of {at}"))
}
