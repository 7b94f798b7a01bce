//! The codes that were issued from the registers: whose they are, and until when.

use rusqlite::params;

use super::{Entries, RegisterError};
use crate::{
    clock::Timestamp,
    credential::{Claims, CodeId},
    id_document::NumberText,
    issuer::IssuerId,
};

impl Entries<'_> {
    /// Remembers that a code was issued, and to whom, if that is known.
    pub(crate) fn remember_code(
        &self,
        claims: &Claims,
        number: Option<&NumberText>,
    ) -> Result<(), RegisterError> {
        self.write(
            "INSERT INTO code (issuer, code_id, number, kind, issued, expires)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                claims.issuer.number(),
                claims.code_id.as_bytes(),
                number.map(NumberText::expose),
                claims.kind.code(),
                claims.issued.timestamp(),
                claims.expires.timestamp()
            ],
        )?;
        Ok(())
    }

    /// Whose code it is, if it was issued from the registers.
    pub(crate) fn holder_of(
        &self,
        issuer: IssuerId,
        code: &CodeId,
    ) -> Result<Option<NumberText>, RegisterError> {
        let number: Option<Option<String>> = self.first(
            "SELECT number FROM code WHERE issuer = ?1 AND code_id = ?2",
            params![issuer.number(), code.as_bytes()],
            |row| Ok(row.get(0)?),
        )?;
        Ok(number.flatten().and_then(|number| NumberText::new(&number)))
    }

    /// The code of somebody that was issued last and is valid at `now`.
    pub(crate) fn latest_code(
        &self,
        number: &NumberText,
        now: Timestamp,
    ) -> Result<Option<CodeId>, RegisterError> {
        self.first(
            "SELECT code_id FROM code WHERE number = ?1 AND issued <= ?2 AND ?2 < expires
             ORDER BY issued DESC, rowid DESC LIMIT 1",
            params![number.expose(), now.timestamp()],
            |row| CodeId::new(row.get(0)?).ok_or(RegisterError::Content { what: "a code's name" }),
        )
    }
}
