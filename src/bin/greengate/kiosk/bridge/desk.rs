//! The desk's side of the bridge: its view into Slint, its keys and touches out.

use greengate::{language, session::desk::Key};
use slint::{ComponentHandle, Weak};

use super::{
    AppWindow, Bridge, Choice, Choices, Desk, Fact, Hour, Keypad, Request, Screen, Sender, model,
};
use crate::kiosk::desk::view::{self, View, Way, Weight};

/// Forwards what is typed and touched at the desk.
pub(super) fn connect(window: &AppWindow, requests: &Sender<Request>) {
    let bridge = window.global::<Bridge<'_>>();
    // The receiver lives as long as the lane; if it is gone the program is ending.
    let (typed, weak) = (requests.clone(), window.as_weak());
    bridge.on_press(move |text| {
        let way = way(&text).and_then(|way| chosen(&weak, way));
        if let Some(request) = way.or_else(|| key(&text).map(Request::Press)) {
            typed.send(request).ok();
        }
    });
    let (touched, weak) = (requests.clone(), window.as_weak());
    bridge.on_choose(move |number| {
        if let Some(request) = usize::try_from(number).ok().and_then(|way| chosen(&weak, way)) {
            touched.send(request).ok();
        }
    });
}

/// The way on of that number, among those of the view that is up.
fn chosen(window: &Weak<AppWindow>, way: usize) -> Option<Request> {
    let desk = window.upgrade()?.global::<Bridge<'_>>().get_desk();
    Some(Request::Choose { serial: desk.serial, way })
}

/// Shows the desk.
pub(super) fn apply(window: &AppWindow, view: View) {
    let bridge = window.global::<Bridge<'_>>();
    bridge.set_explaining(false);
    bridge.set_desk(view.into());
    bridge.set_screen(Screen::Desk);
}

/// The way on that a function key is for, from F1 on.
fn way(text: &str) -> Option<usize> {
    let mut characters = text.chars();
    let (character, None) = (characters.next()?, characters.next()) else { return None };
    ('\u{f704}'..='\u{f70f}').position(|key| key == character)
}

/// The key whose text that is. Keys without a text, such as Shift, are none.
fn key(text: &str) -> Option<Key> {
    let mut characters = text.chars();
    let (character, None) = (characters.next()?, characters.next()) else { return None };
    match character {
        '\u{8}' | '\u{7f}' => Some(Key::Back),
        '\n' | '\r' => Some(Key::Enter),
        '\u{1b}' => Some(Key::Escape),
        // Slint names keys without a text by the private use area.
        '\u{e000}'..='\u{f8ff}' => None,
        character if character.is_control() => None,
        character => Some(Key::Character(character)),
    }
}

impl From<View> for Desk {
    fn from(view: View) -> Self {
        let View { step, title, prompt, trouble, entry, keypad, ways, .. } = view;
        let (asking, (entry, entry_good)) = (entry.is_some(), entry.unwrap_or_default());
        let mut numbers = 0..;
        let choices: Vec<Choices> = ways
            .into_iter()
            .map(|row| {
                let row = row.into_iter().zip(&mut numbers);
                let row: Vec<Choice> = row.map(|(way, number)| choice(way, number)).collect();
                Choices { choices: model(row) }
            })
            .collect();
        let busiest = view.hours.iter().map(|hour| hour.people).max().unwrap_or(1).max(1);
        let hours = view.hours.into_iter().map(|hour| self::hour(hour, busiest)).collect();
        Self {
            serial: view.serial,
            step,
            title: title.into(),
            prompt: prompt.into(),
            trouble: trouble.into(),
            asking,
            entry: entry.into(),
            entry_good,
            keypad: keypad.into(),
            choices: model(choices),
            has_card: view.has_card,
            dated: view.dated.into(),
            has_picture: view.has_picture,
            facts: model(view.facts),
            hours: model::<Hour, Hour>(hours),
            staff: view.staff.into(),
            holder: view.holder.into(),
            note: view.note.into(),
            large: view.is_large,
        }
    }
}

fn choice(Way { weight, words, .. }: Way, number: i32) -> Choice {
    Choice { number, usual: weight == Weight::Usual, words: words.into() }
}

fn hour(view::Hour { name, people, passed }: view::Hour, busiest: u64) -> Hour {
    let share = |count: u64| {
        // An hour's people are far fewer than what this is exact for.
        let [count, busiest] =
            [count, busiest].map(|count| f32::from(u16::try_from(count).unwrap_or(u16::MAX)));
        count / busiest
    };
    Hour {
        name: name.into(),
        count: people.to_string().into(),
        passed: share(passed),
        others: share(people.saturating_sub(passed)),
    }
}

impl From<(language::Words, String)> for Fact {
    fn from((name, value): (language::Words, String)) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

impl From<view::Keypad> for Keypad {
    fn from(keypad: view::Keypad) -> Self {
        match keypad {
            view::Keypad::None => Self::None,
            view::Keypad::Digits => Self::Digits,
            view::Keypad::Tail => Self::Tail,
            view::Keypad::All => Self::All,
        }
    }
}
