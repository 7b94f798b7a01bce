//! One lane as a state machine: what to judge, what to show, and for how long.
//!
//! What was seen and the time go in; the next state and at most one thing to do come out. Scanning
//! never stops: while a result shows, the next code is judged as soon as the result has been up for
//! [`SHOWN_AT_LEAST`]. Nothing waits, and nothing is decided here.

pub mod desk;
mod group;
mod hints;

use chrono::TimeDelta;

use self::hints::Hints;
pub use self::{
    group::{Companions, GROUP_OVER_AFTER, MAX_GROUP, Tally},
    hints::HINTED_BY,
};
use crate::{
    clock::Timestamp,
    decision::Verdict,
    symbol::{Hint, Reading, SymbolText},
};

/// How long a result stays up whatever comes. Source: REQUIREMENTS, section 7.
pub const SHOWN_AT_LEAST: TimeDelta = TimeDelta::milliseconds(800);

/// How long a code must be out of sight before it is judged again. Source: REQUIREMENTS, section 7.
pub const SAME_CODE_IGNORED: TimeDelta = TimeDelta::milliseconds(2_500);

/// How long a symbol must be seen and not read before that is said.
///
/// A phone on its way into the picture is unreadable for about half a second.
pub const UNREADABLE_AFTER: TimeDelta = TimeDelta::milliseconds(1_200);

/// How long "unreadable" stays up after the symbol was last seen.
pub const UNREADABLE_SHOWN: TimeDelta = TimeDelta::milliseconds(1_500);

/// How long nothing may be seen before a symbol that comes counts as another.
const SIGHT_LOST: TimeDelta = TimeDelta::milliseconds(700);

/// How long a symbol must be seen and not read before a hint. Source: REQUIREMENTS, section 7.
pub const HINT_AFTER: TimeDelta = TimeDelta::seconds(10);

/// How long a hint stays up at the least before another takes its place.
pub const HINT_SHOWN_AT_LEAST: TimeDelta = TimeDelta::seconds(2);

/// How long a result stays up from when staff ask why. Source: REQUIREMENTS, section 7, for staff.
pub const STUDIED_FOR: TimeDelta = TimeDelta::seconds(30);

/// How long the result of each verdict stays up. Source: REQUIREMENTS, section 7, for a kiosk; a
/// request to show it again is over as quickly as a pass.
#[must_use]
pub fn shown_for(verdict: Verdict) -> TimeDelta {
    match verdict {
        Verdict::Pass | Verdict::Retry => TimeDelta::seconds(2),
        Verdict::Deny | Verdict::Refer => TimeDelta::seconds(6),
        Verdict::CheckId => TimeDelta::seconds(60),
    }
}

/// What a lane is doing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Session {
    now: Timestamp,
    shown: Option<Shown>,
    code: Option<Seen<Vec<SymbolText>>>,
    unreadable: Option<Unreadable>,
    hints: Hints,
}

/// A result that is up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Shown {
    since: Timestamp,
    until: Timestamp,
    of: Cause,
}

/// What a result that is up was shown for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Cause {
    Code,
    Unreadable,
}

/// Something that was in sight.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Seen<T> {
    what: T,
    last: Timestamp,
}

/// A symbol that is seen and not read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Unreadable {
    since: Timestamp,
    last: Timestamp,
    said: Said,
}

/// What has been said of an unreadable symbol.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Said {
    Nothing,
    Retry,
    Hint { hint: Option<Hint>, since: Timestamp },
}

/// What happens to a lane.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Event<'event> {
    /// Staff have dealt with the result.
    Acknowledged,
    /// What was seen was judged.
    Judged(Verdict),
    /// A frame was read.
    Read(&'event Reading),
    /// Time has passed.
    Tick,
    /// A frame was read in which nobody is waited for: a code that stays in sight is still the same.
    Watched(&'event Reading),
}

/// What to do about it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Effect {
    /// Show the camera's picture.
    ShowCamera,
    /// Tell the holder how to be read: as the picture shows, or in general if it does not.
    ShowHint(Option<Hint>),
    /// Judge what was read, and say what came of it.
    Judge,
}

impl Session {
    /// Moves on by one event, saying what to do about it.
    ///
    /// Events that mean nothing in the present state change nothing. If the clock was set back, all
    /// that was timed by it is forgotten: a result never stays up for the hour that is lived twice.
    #[must_use]
    pub fn on(&mut self, event: Event<'_>, now: Timestamp) -> Option<Effect> {
        if now < self.now {
            *self = Self { now, ..Self::default() };
            return Some(Effect::ShowCamera);
        }
        self.now = now;
        match event {
            Event::Acknowledged => self.clear(),
            Event::Judged(verdict) => {
                self.show(verdict, now);
                None
            }
            Event::Read(reading) if !reading.texts.is_empty() => self.read(reading, now),
            Event::Read(reading) if reading.seen > 0 => {
                self.see(reading.hint, now).or_else(|| self.tick(now))
            }
            Event::Watched(reading) => {
                self.holds_on(reading, now);
                self.tick(now)
            }
            Event::Read(_) | Event::Tick => self.tick(now),
        }
    }

    /// Leaves the result up to be read for [`STUDIED_FOR`], and says whether one is.
    #[must_use]
    pub fn study(&mut self, now: Timestamp) -> bool {
        match &mut self.shown {
            Some(shown) => {
                shown.until = shown.until.max(now + STUDIED_FOR);
                true
            }
            None => false,
        }
    }

    /// How a symbol that is seen could be read, as most frames of the last [`HINTED_BY`] show it.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        self.hints.prevailing()
    }

    /// What is left of the time that a result is shown, from 1 down to 0; nothing if none is.
    #[must_use]
    pub fn remaining(&self, now: Timestamp) -> Option<f32> {
        let Shown { since, until, .. } = self.shown?;
        let (left, whole) = ((until - now).as_seconds_f32(), (until - since).as_seconds_f32());
        Some((left / whole).clamp(0.0, 1.0))
    }

    fn show(&mut self, verdict: Verdict, now: Timestamp) {
        let (of, time) = match &mut self.unreadable {
            Some(unreadable) => {
                unreadable.said = Said::Retry;
                (Cause::Unreadable, UNREADABLE_SHOWN)
            }
            None => (Cause::Code, shown_for(verdict)),
        };
        self.shown = Some(Shown { since: now, until: now + time, of });
    }

    /// Whether what was read is the code that was there a moment ago, which it goes on being.
    fn holds_on(&mut self, reading: &Reading, now: Timestamp) -> bool {
        match &mut self.code {
            Some(Seen { what, last })
                if *what == reading.texts && now - *last < SAME_CODE_IGNORED =>
            {
                *last = now;
                true
            }
            _ => false,
        }
    }

    /// A symbol was read.
    fn read(&mut self, reading: &Reading, now: Timestamp) -> Option<Effect> {
        if self.holds_on(reading, now) {
            return self.tick(now);
        }
        if self.shown.is_some_and(|shown| now - shown.since < SHOWN_AT_LEAST) {
            return None;
        }
        self.unreadable = None;
        self.hints.clear();
        self.code = Some(Seen { what: reading.texts.clone(), last: now });
        Some(Effect::Judge)
    }

    /// A symbol was seen and not read. That interrupts no result, and a code that was read a moment
    /// ago may well be the one.
    fn see(&mut self, hint: Option<Hint>, now: Timestamp) -> Option<Effect> {
        let read_lately =
            self.code.as_ref().is_some_and(|code| now - code.last < SAME_CODE_IGNORED);
        let result_up = self.shown.is_some_and(|shown| shown.of == Cause::Code);
        if read_lately || result_up {
            return None;
        }
        let Unreadable { since, said, .. } = match self.unreadable {
            Some(unreadable) if now - unreadable.last < SIGHT_LOST => unreadable,
            _ => {
                self.hints.clear();
                Unreadable { since: now, last: now, said: Said::Nothing }
            }
        };
        self.hints.add(hint, now);
        let hint = self.hints.prevailing();
        let seen_for = now - since;
        self.unreadable = Some(Unreadable { since, last: now, said });
        if said == Said::Nothing && seen_for >= UNREADABLE_AFTER {
            return Some(Effect::Judge);
        }
        if let Some(shown) = &mut self.shown {
            shown.until = now + UNREADABLE_SHOWN;
        }
        let is_due = match said {
            Said::Nothing => false,
            Said::Retry => seen_for >= HINT_AFTER,
            Said::Hint { hint: said, since } => said != hint && now - since >= HINT_SHOWN_AT_LEAST,
        };
        if is_due {
            let said = Said::Hint { hint, since: now };
            self.unreadable = Some(Unreadable { since, last: now, said });
            return Some(Effect::ShowHint(hint));
        }
        None
    }

    fn tick(&mut self, now: Timestamp) -> Option<Effect> {
        if self.unreadable.is_some_and(|unreadable| now - unreadable.last >= SIGHT_LOST) {
            self.unreadable = None;
            self.hints.clear();
        }
        if self.shown.is_some_and(|shown| now >= shown.until) { self.clear() } else { None }
    }

    fn clear(&mut self) -> Option<Effect> {
        self.shown.take().map(|_| Effect::ShowCamera)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a frame shows in these tests.
    #[derive(Clone, Copy)]
    enum Sight {
        Nothing,
        Unreadable,
        Hinted(Hint),
        Code(&'static str),
    }
    use Sight::{Code, Hinted, Nothing, Unreadable};

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::milliseconds(milliseconds)
    }

    fn reading(sight: Sight) -> Reading {
        match sight {
            Nothing => Reading::default(),
            Unreadable => Reading { seen: 1, ..Reading::default() },
            Hinted(hint) => Reading { seen: 1, hint: Some(hint), ..Reading::default() },
            Code(text) => Reading::of(SymbolText::new(text).unwrap()),
        }
    }

    /// Shows `sights` for as long as they say, a frame each 100 ms, judges each as `verdict`, and
    /// gives what was done and when.
    fn play(verdict: Verdict, sights: &[(i64, Sight)]) -> Vec<(i64, Effect)> {
        let mut session = Session::default();
        let mut effects = Vec::new();
        let mut now = 0;
        for (length, sight) in sights {
            for _ in 0..length / 100 {
                let effect = session.on(Event::Read(&reading(*sight)), at(now));
                if effect == Some(Effect::Judge) {
                    assert_eq!(session.on(Event::Judged(verdict), at(now)), None);
                }
                effects.extend(effect.map(|effect| (now, effect)));
                now += 100;
            }
        }
        effects
    }

    #[test]
    fn a_result_stays_for_as_long_as_its_verdict_says() {
        use Effect::{Judge, ShowCamera};

        let cases = [
            (Verdict::Pass, 2_000),
            (Verdict::Retry, 2_000),
            (Verdict::Deny, 6_000),
            (Verdict::Refer, 6_000),
            (Verdict::CheckId, 60_000),
        ];
        for (verdict, until) in cases {
            let effects = play(verdict, &[(100, Code("a")), (61_000, Nothing)]);
            assert_eq!(effects, [(0, Judge), (until, ShowCamera)], "{verdict:?}");
        }
    }

    #[test]
    fn a_code_that_is_held_on_is_judged_once() {
        let effects = play(Verdict::Pass, &[(20_000, Code("a"))]);
        assert_eq!(effects, [(0, Effect::Judge), (2_000, Effect::ShowCamera)]);
    }

    #[test]
    fn a_code_that_lay_there_while_nobody_was_waited_for_is_not_judged_again() {
        let held = reading(Code("a"));
        let mut session = Session::default();
        assert_eq!(session.on(Event::Read(&held), at(0)), Some(Effect::Judge));
        assert_eq!(session.on(Event::Judged(Verdict::Pass), at(0)), None);
        assert_eq!(session.on(Event::Acknowledged, at(100)), Some(Effect::ShowCamera));
        for step in 1..60 {
            assert_eq!(session.on(Event::Watched(&held), at(step * 500)), None);
        }
        assert_eq!(session.on(Event::Read(&held), at(30_000)), None);
        assert_eq!(session.on(Event::Watched(&reading(Nothing)), at(32_400)), None);
        assert_eq!(session.on(Event::Read(&held), at(32_500)), Some(Effect::Judge));
    }

    #[test]
    fn a_code_is_judged_again_when_it_was_gone_for_two_and_a_half_seconds() {
        use Effect::{Judge, ShowCamera};

        let gone =
            |length| play(Verdict::Pass, &[(100, Code("a")), (length, Nothing), (100, Code("a"))]);
        assert_eq!(gone(2_300), [(0, Judge), (2_000, ShowCamera)]);
        assert_eq!(gone(2_400), [(0, Judge), (2_000, ShowCamera), (2_500, Judge)]);
    }

    #[test]
    fn the_next_code_interrupts_a_result_after_four_fifths_of_a_second() {
        let effects = play(Verdict::CheckId, &[(100, Code("a")), (1_000, Code("b"))]);
        assert_eq!(effects, [(0, Effect::Judge), (800, Effect::Judge)]);
    }

    #[test]
    fn a_symbol_that_cannot_be_read_is_said_to_be_and_then_helped() {
        use Effect::{Judge, ShowCamera, ShowHint};

        let effects = play(Verdict::Retry, &[(11_000, Unreadable), (3_000, Nothing)]);
        // The last frame that showed it came at 10.9 s.
        assert_eq!(effects, [(1_200, Judge), (10_000, ShowHint(None)), (12_400, ShowCamera)]);
    }

    #[test]
    fn a_hint_says_what_most_frames_of_the_last_seconds_showed() {
        use Hint::{Blur, Glare, TooFar};
        type Case<'case> = (&'case str, &'case [(i64, Sight)], &'case [(i64, Option<Hint>)]);

        let shown = |sights: &[(i64, Sight)]| {
            let effects = play(Verdict::Retry, sights).into_iter();
            let hints = effects.filter_map(|(time, effect)| match effect {
                Effect::ShowHint(hint) => Some((time, hint)),
                Effect::Judge | Effect::ShowCamera => None,
            });
            hints.collect::<Vec<_>>()
        };
        let far = Hinted(TooFar);
        let glare = Hinted(Glare);
        let cases: [Case<'_>; 7] = [
            ("one throughout", &[(20_000, far)], &[(10_000, Some(TooFar))]),
            ("not yet", &[(10_000, far)], &[]),
            ("the last one", &[(8_000, glare), (2_100, far)], &[(10_000, Some(TooFar))]),
            ("not the last frame", &[(9_000, far), (1_100, glare)], &[(10_000, Some(TooFar))]),
            (
                "for the most part",
                &[(8_000, far), (1_000, Hinted(Blur)), (1_100, far)],
                &[(10_000, Some(TooFar))],
            ),
            // Of 30 frames the sixteenth makes the most.
            (
                "that changes",
                &[(10_100, far), (5_000, glare)],
                &[(10_000, Some(TooFar)), (12_000, Some(Glare))],
            ),
            ("before the symbol was gone", &[(9_000, far), (700, Nothing), (9_000, glare)], &[]),
        ];
        for (name, sights, expected) in cases {
            assert_eq!(shown(sights), expected, "{name}");
        }
    }

    #[test]
    fn a_symbol_on_its_way_is_not_said_to_be_unreadable() {
        let effects = play(Verdict::Pass, &[(1_100, Unreadable), (100, Code("a"))]);
        assert_eq!(effects, [(1_100, Effect::Judge)]);
        let twice =
            play(Verdict::Retry, &[(1_000, Unreadable), (800, Nothing), (1_000, Unreadable)]);
        assert_eq!(twice, []);
    }

    #[test]
    fn a_blur_behind_a_result_does_not_replace_it() {
        let effects = play(Verdict::Deny, &[(100, Code("a")), (5_000, Unreadable)]);
        assert_eq!(effects, [(0, Effect::Judge)]);
    }

    #[test]
    fn staff_clear_a_result_and_only_a_result() {
        let mut session = Session::default();
        assert_eq!(session.on(Event::Acknowledged, at(0)), None);
        assert_eq!(session.on(Event::Read(&reading(Code("a"))), at(100)), Some(Effect::Judge));
        assert_eq!(session.on(Event::Judged(Verdict::CheckId), at(100)), None);
        assert_eq!(session.remaining(at(30_100)), Some(0.5));
        assert_eq!(session.on(Event::Acknowledged, at(30_100)), Some(Effect::ShowCamera));
        assert_eq!(session.remaining(at(30_100)), None);
    }

    #[test]
    fn a_result_that_is_read_stays_up_until_the_next_code() {
        let mut session = Session::default();
        assert!(!session.study(at(0)));
        assert_eq!(session.on(Event::Read(&reading(Code("a"))), at(100)), Some(Effect::Judge));
        assert_eq!(session.on(Event::Judged(Verdict::Deny), at(100)), None);
        assert!(session.study(at(5_000)));
        assert_eq!(session.on(Event::Tick, at(34_999)), None);
        assert_eq!(session.on(Event::Read(&reading(Code("b"))), at(34_999)), Some(Effect::Judge));
        assert_eq!(session.on(Event::Judged(Verdict::Pass), at(34_999)), None);
        assert_eq!(session.on(Event::Tick, at(36_999)), Some(Effect::ShowCamera));
    }

    #[test]
    fn a_clock_set_back_leaves_no_result_up() {
        let mut session = Session::default();
        let hour = 3_600_000;
        assert_eq!(session.on(Event::Read(&reading(Code("a"))), at(hour)), Some(Effect::Judge));
        assert_eq!(session.on(Event::Judged(Verdict::Pass), at(hour)), None);
        assert_eq!(session.on(Event::Tick, at(0)), Some(Effect::ShowCamera));
        assert_eq!(session.on(Event::Read(&reading(Code("b"))), at(0)), Some(Effect::Judge));
    }
}
