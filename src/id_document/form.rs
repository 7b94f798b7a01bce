//! The forms that numbers have, and where a text leaves them.

use chrono::NaiveDate;

use super::{DocumentKind, NumberError, birth};

/// One form of number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub(super) kind: DocumentKind,
    /// A character for each of the number's: `#` a digit, `@` a letter, `*` either, `y`, `m`, and
    /// `d` the digits of the birth date, `c` the check character; any other is itself.
    pattern: &'static str,
}

/// Every form, so ordered that a number is of the first it has, and that of one kind the form in
/// use comes before the old.
///
/// Sources: GB 11643-1999 for citizens; the State Council's rules on residence permits of 2018,
/// article 3, for the areas 81, 82, and 83; the Ministry of Public Security's rule of 10 March 2010
/// for travel permits of Hong Kong and Macao, where two digits more counted the renewals until the
/// cards of 2012; its announcement of the cards of 2015 for those of Taiwan; GA 2102-2023 for
/// foreign permanent residents from December 2023, where a 9, the province, and the country's
/// number stand for the area; ICAO Doc 9303, part 3, for passports.
pub(super) const FORMS: &[Form] = &[
    Form::new(DocumentKind::HkMacaoResidencePermit, "810000yyyymmdd###c"),
    Form::new(DocumentKind::HkMacaoResidencePermit, "820000yyyymmdd###c"),
    Form::new(DocumentKind::TaiwanResidencePermit, "830000yyyymmdd###c"),
    Form::new(DocumentKind::ForeignPermanentResident, "9#####yyyymmdd###c"),
    Form::new(DocumentKind::CitizenId, "######yyyymmdd###c"),
    Form::new(DocumentKind::CitizenId, "######yymmdd###"),
    Form::new(DocumentKind::ForeignPermanentResident, "@@@####yymmdd##"),
    Form::new(DocumentKind::HkMacaoTravelPermit, "H########"),
    Form::new(DocumentKind::HkMacaoTravelPermit, "M########"),
    Form::new(DocumentKind::HkMacaoTravelPermit, "H##########"),
    Form::new(DocumentKind::HkMacaoTravelPermit, "M##########"),
    Form::new(DocumentKind::TaiwanTravelPermit, "########"),
    Form::new(DocumentKind::Passport, "*********"),
    Form::new(DocumentKind::Passport, "********"),
    Form::new(DocumentKind::Passport, "*******"),
    Form::new(DocumentKind::Passport, "******"),
    Form::new(DocumentKind::Passport, "*****"),
];

/// Where a text can no longer become a number of some form, and why.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flaw {
    /// Which of the number's characters, from 1.
    pub(super) position: usize,
    pub(super) error: NumberError,
}

impl Form {
    const fn new(kind: DocumentKind, pattern: &'static str) -> Self {
        Self { kind, pattern }
    }

    /// How many characters a number has.
    pub(super) fn len(&self) -> usize {
        self.pattern.len()
    }

    /// The first flaw in characters that are, or begin, a number of this form.
    pub(super) fn flaw(&self, typed: &[u8], today: NaiveDate) -> Option<Flaw> {
        let flaws = [self.class_flaw(typed), self.kind_flaw(typed)].into_iter().flatten();
        let first = flaws.min_by_key(|flaw| flaw.position);
        let sound = first.map_or(typed.len(), |flaw| flaw.position - 1);
        let birth = typed.get(..sound).and_then(|sound| self.birth_flaw(sound, today));
        birth.or(first).or_else(|| self.whole_flaw(typed))
    }

    /// The birth date in a whole number.
    pub(super) fn birth(&self, number: &[u8], today: NaiveDate) -> Option<NaiveDate> {
        self.birth_so_far(self.birth_digits(number)?, today).ok()?
    }

    /// A character too many, or one that is none of those that stand at its place.
    fn class_flaw(&self, typed: &[u8]) -> Option<Flaw> {
        for (index, (class, byte)) in self.pattern.bytes().zip(typed).enumerate() {
            let position = index + 1;
            let is_digit = byte.is_ascii_digit();
            let error = match class {
                b'*' => continue,
                b'@' if byte.is_ascii_uppercase() => continue,
                b'@' => NumberError::NotALetter { position },
                b'c' if is_digit || *byte == b'X' => continue,
                b'#' | b'y' | b'm' | b'd' if is_digit => continue,
                b'c' | b'#' | b'y' | b'm' | b'd' => NumberError::NotADigit { position },
                itself if *byte == itself => continue,
                _ => NumberError::Beginning,
            };
            return Some(Flaw { position, error });
        }
        let error = NumberError::Length { characters: typed.len() };
        (typed.len() > self.len()).then_some(Flaw { position: self.len() + 1, error })
    }

    /// A beginning of a citizen's number by which it is of another kind.
    fn kind_flaw(&self, typed: &[u8]) -> Option<Flaw> {
        if self.kind != DocumentKind::CitizenId {
            return None;
        }
        FORMS.iter().take_while(|form| form.kind != DocumentKind::CitizenId).find_map(|form| {
            let (beginning, _) = form.pattern.split_once(['#', 'y'])?;
            let error = if form.len() == self.len() {
                NumberError::OtherKind { kind: form.kind }
            } else {
                // What has another kind's beginning and the old length is of neither.
                NumberError::Beginning
            };
            let flaw = Flaw { position: beginning.len(), error };
            typed.starts_with(beginning.as_bytes()).then_some(flaw)
        })
    }

    /// A digit at which the birth date can no longer be one.
    fn birth_flaw(&self, typed: &[u8], today: NaiveDate) -> Option<Flaw> {
        let before = self.pattern.find('y')?;
        let digits = self.birth_digits(typed)?;
        // Digits that can name a day began as such.
        self.birth_so_far(digits, today).err()?;
        (1..=digits.len()).find_map(|count| {
            let error = self.birth_so_far(digits.get(..count)?, today).err()?;
            Some(Flaw { position: before + count, error })
        })
    }

    /// What only a whole number shows.
    fn whole_flaw(&self, typed: &[u8]) -> Option<Flaw> {
        if typed.len() != self.len() {
            return None;
        }
        let error = match (self.pattern.as_bytes().last(), typed.split_last()) {
            (Some(b'*'), _) if !typed.iter().any(u8::is_ascii_digit) => NumberError::NoDigit,
            (Some(b'c'), Some((last, body))) if check_character(body) != *last => {
                NumberError::CheckCharacter
            }
            _ => return None,
        };
        Some(Flaw { position: self.len(), error })
    }

    /// The digits of the birth date that are there.
    fn birth_digits<'a>(&self, typed: &'a [u8]) -> Option<&'a [u8]> {
        let (start, end) = (self.pattern.find('y')?, self.pattern.rfind('d')? + 1);
        typed.get(start..typed.len().min(end))
    }

    fn birth_so_far(
        &self,
        digits: &[u8],
        today: NaiveDate,
    ) -> Result<Option<NaiveDate>, NumberError> {
        if self.pattern.contains("yyyy") {
            birth::day(digits, today)
        } else if self.kind == DocumentKind::CitizenId {
            birth::day_in(&[19], digits, today)
        } else {
            birth::day_in(&birth::living(today), digits, today)
        }
    }
}

/// The first of `forms` that the characters have.
///
/// Of several flaws the one furthest on is told: it is that of the form which was most likely meant.
pub(super) fn fitting(
    characters: &[u8],
    forms: &[Form],
    today: NaiveDate,
) -> Result<Form, NumberError> {
    let error = match characters.len() {
        0 => NumberError::Empty,
        characters => NumberError::Length { characters },
    };
    let mut furthest = Flaw { position: 0, error };
    for form in forms.iter().filter(|form| form.len() == characters.len()) {
        match form.flaw(characters, today) {
            None => return Ok(*form),
            Some(flaw) if flaw.position > furthest.position => furthest = flaw,
            Some(_) => {}
        }
    }
    Err(furthest.error)
}

/// The check character behind digits, by ISO 7064, MOD 11-2.
///
/// It tells every change of one character, and every exchange of two beside each other.
pub(super) fn check_character(digits: &[u8]) -> u8 {
    let sum = digits.iter().fold(0, |sum, digit| (sum + u32::from(digit & 0x0F)) * 2 % 11);
    match (12 - sum) % 11 {
        10 => b'X',
        digit => b'0' | u8::try_from(digit).unwrap_or(0),
    }
}
