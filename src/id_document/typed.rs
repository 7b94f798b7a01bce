//! A number while it is being typed.

use chrono::NaiveDate;

use super::{
    DocumentKind, DocumentNumber, NumberError,
    form::{Flaw, Form},
    forms, text,
};

/// How far a number has been typed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Typed {
    /// It is whole.
    Complete {
        /// The number.
        number: DocumentNumber,
        /// How many characters a longer number of which this is the beginning would have, if there
        /// is one: 15 of the 18 digits of somebody born in May 2005 are an old number, too.
        or_of: Option<usize>,
    },
    /// Nothing is wrong so far.
    Incomplete {
        /// How many characters there are, spaces and hyphens left out.
        typed: usize,
        /// How many the number will have; the likeliest where it could have several lengths.
        of: usize,
    },
    /// Whatever is typed behind it, it will be no number.
    Wrong {
        /// The first of the number's characters by which this is certain, from 1; spaces and
        /// hyphens do not count.
        position: usize,
        /// What is wrong.
        error: NumberError,
    },
}

impl Typed {
    /// Looks at what has been typed of a number of `kind`, or of any kind.
    #[must_use]
    pub fn so_far(text: &str, kind: Option<DocumentKind>, today: NaiveDate) -> Self {
        let (characters, flaw) = text::characters(text);
        let forms = forms(kind);
        let longer = longer(&characters, &forms, today);
        let state = match (DocumentNumber::of(&characters, kind, today), longer) {
            (Ok(number), or_of) => Self::Complete { number, or_of },
            (Err(_), Some(of)) => Self::Incomplete { typed: characters.len(), of },
            (Err(error), None) => {
                let last = Flaw { position: characters.len(), error };
                Self::wrong(furthest(&characters, &forms, today).unwrap_or(last))
            }
        };
        match (state, flaw) {
            (wrong @ Self::Wrong { .. }, _) => wrong,
            (_, Some(flaw)) => Self::wrong(flaw),
            (state, None) => state,
        }
    }

    fn wrong(Flaw { position, error }: Flaw) -> Self {
        Self::Wrong { position, error }
    }
}

/// The length of the first form that could still come of the characters and more.
fn longer(characters: &[u8], forms: &[Form], today: NaiveDate) -> Option<usize> {
    let mut longer = forms.iter().filter(|form| form.len() > characters.len());
    longer.find(|form| form.flaw(characters, today).is_none()).map(Form::len)
}

/// The flaw of the form that went furthest.
fn furthest(characters: &[u8], forms: &[Form], today: NaiveDate) -> Option<Flaw> {
    let flaws = forms.iter().filter_map(|form| form.flaw(characters, today));
    flaws.reduce(|furthest, flaw| if flaw.position > furthest.position { flaw } else { furthest })
}
