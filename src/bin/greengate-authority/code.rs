//! Codes in files: pictures, sheets, and texts.

use std::{fs, path::Path};

use greengate::{
    authority::print::Modules,
    clock::Timestamp,
    device::pictures,
    symbol::{self, Effort, SymbolText},
};

use crate::Failure;

/// Reads the one code in a file.
pub(crate) fn read(path: &Path, now: Timestamp) -> Result<SymbolText, Failure> {
    let failed = |error: &dyn ToString| {
        Failure(format!("cannot read {}: {}", path.display(), error.to_string()))
    };
    let extension = path.extension().and_then(|extension| extension.to_str());
    if let Some("png" | "jpg" | "jpeg") = extension {
        let reading = symbol::read(&pictures::read(path, now)?, Effort::Thorough);
        let [text] = <[SymbolText; 1]>::try_from(reading.texts)
            .map_err(|_| failed(&"not one symbol that can be read"))?;
        Ok(text)
    } else {
        let text = fs::read_to_string(path).map_err(|error| failed(&error))?;
        SymbolText::new(text.trim()).map_err(|error| failed(&error))
    }
}

/// Writes a code in the form that the file's ending names.
pub(crate) fn write(text: &SymbolText, path: &Path) -> Result<(), Failure> {
    let failed =
        |error: &dyn ToString| Failure(format!("{}: {}", path.display(), error.to_string()));
    let modules = || Modules::of(text).ok_or_else(|| failed(&"no symbol holds so long a text"));
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("png") => modules()?.picture().save(path).map_err(|error| failed(&error)),
        Some("svg") => fs::write(path, modules()?.svg()).map_err(|error| failed(&error)),
        Some("txt") => {
            fs::write(path, format!("{}\n", text.as_str())).map_err(|error| failed(&error))
        }
        _ => Err(failed(&"the file must end in .png, .svg, or .txt")),
    }
}
