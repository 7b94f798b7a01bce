//! Where the desk is, what can happen there, and what it asks for.

use zeroize::Zeroizing;

use crate::{credential::IdTail, decision::Verdict, id_document::DocumentNumber};

/// What has been typed; wiped when it goes.
pub type Entry = Zeroizing<String>;

/// How somebody has agreed to be looked up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Agreed {
    /// By a word.
    Spoken,
    /// On paper.
    Signed,
    /// The guardian, by a word.
    Guardian,
}

/// Whose number and PIN are asked for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Credentials {
    /// The staff number, once it is whole.
    pub staff: Option<String>,
    /// What is typed now: the staff number, and then the PIN.
    pub entry: Entry,
}

/// Where the desk is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// Nobody is on duty, or whoever is has left the desk.
    SignIn(Credentials),
    /// Nobody is at the desk.
    Home,
    /// Has the person agreed?
    Consent,
    /// Which document?
    Document {
        /// How the person agreed.
        agreed: Agreed,
        /// What is typed of its number.
        entry: Entry,
    },
    /// A code is shown to the camera.
    Scan,
    /// What came of the look-up or of the code is up.
    Verdict {
        /// What came of it.
        verdict: Verdict,
        /// Whether the machine has compared the document's number with the code, as far as the code
        /// tells it; before that, staff have nothing to say.
        is_compared: bool,
        /// What is typed of the number to compare.
        entry: Entry,
    },
    /// The person is not in the extract.
    NotFound,
    /// Why should somebody pass against the verdict?
    Reasons(Verdict),
    /// A second person is asked.
    Second {
        /// Against which verdict.
        from: Verdict,
        /// Which of the reasons.
        reason: usize,
        /// Who that person is.
        who: Credentials,
    },
    /// Who is put down by hand, and why: the name.
    Register(Entry),
    /// What the shift added up to.
    Report,
}

/// A key that was typed or touched.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Key {
    /// The last character goes.
    Back,
    /// A character.
    Character(char),
    /// What was typed is whole.
    Enter,
    /// What was begun is given up.
    Escape,
}

/// A way on that is touched.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Choice {
    /// The document agrees with the person and the code.
    Agrees,
    /// What was begun is given up.
    Cancel,
    /// Somebody has agreed to be looked up.
    Consent(Agreed),
    /// The document does not agree.
    Differs,
    /// The shift ends.
    EndShift,
    /// The report is written for the supervisor.
    Export,
    /// Several people come together, and are counted together.
    Group,
    /// The desk is left for a moment.
    Lock,
    /// Somebody comes who is to be looked up.
    LookUp,
    /// The next person.
    Next,
    /// Somebody passes against the verdict.
    Override,
    /// For this reason, of those that there are.
    Reason(usize),
    /// Somebody is put down by hand.
    Register,
    /// A code is shown to the camera instead.
    Scan,
    /// Whoever is on duty goes home.
    SignOut,
}

/// What happens at the desk.
#[derive(Clone, Debug)]
pub enum DeskEvent {
    /// A card was put on the reader.
    Card(DocumentNumber),
    /// A way on was touched.
    Chosen(Choice),
    /// What was asked for was done, and there is nothing else to show.
    Done,
    /// A look-up or a comparison has this verdict.
    Judged(Verdict),
    /// A key was typed or touched.
    Key(Key),
    /// Whoever is on duty has done nothing for too long.
    Locked,
    /// The person is not in the extract.
    NotFound,
    /// A code that was shown to the camera has this verdict.
    Scanned(Verdict),
    /// A second person is wanted for this reason.
    SecondWanted(usize),
    /// Somebody has signed in.
    SignedIn,
    /// The end of the document's number agrees with the code: the rest is for staff to see.
    TailAgrees,
    /// Time has passed.
    Tick,
}

/// What to do about it.
#[derive(Clone, Debug)]
pub enum DeskEffect {
    /// Begin a group, or end the one there is.
    BeginOrEndGroup,
    /// Compare the document with the code, by its whole number.
    CompareNumber(DocumentNumber),
    /// Compare the document with the code, by the end of its number.
    CompareTail(IdTail),
    /// Put down that staff have compared the document, and whether it agreed.
    Compared {
        /// Whether it did.
        agrees: bool,
    },
    /// Write the report.
    Export,
    /// Lock the shift.
    Lock,
    /// Look this person up.
    LookUp {
        /// How the person agreed.
        agreed: Agreed,
        /// The document's number.
        number: DocumentNumber,
    },
    /// Let somebody pass against the verdict.
    Override {
        /// Against which.
        from: Verdict,
        /// Which of the reasons.
        reason: usize,
        /// The second person's number and PIN, once they are wanted.
        second: Option<(String, Entry)>,
    },
    /// Keep this registration for the authority.
    Register {
        /// The name.
        name: Entry,
    },
    /// Add up the shift.
    Report,
    /// Have the lane read a code.
    Scan,
    /// Sign in with this number and PIN.
    SignIn(String, Entry),
    /// Sign out.
    SignOut,
    /// Wipe what is shown of the person.
    Wipe,
}
