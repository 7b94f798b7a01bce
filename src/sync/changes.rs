//! Which changes make the published list of revocations of the one that is held.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    path::PathBuf,
};

use tough::{TargetName, schema::Target};

use crate::revocation::{DeltaFile, FileError, FileName, ListId, RevocationFile, merge_all};

/// The published changes that lead from version `held` of a list to the newest that there is a
/// change to, each with its name; none, if one is missing or they are no shorter than the `whole`.
pub(super) fn between<'targets>(
    targets: &'targets HashMap<TargetName, Target>,
    list: ListId,
    held: u64,
    whole: &Target,
) -> Vec<(&'targets str, &'targets Target)> {
    let mut by_version = BTreeMap::new();
    for (name, target) in targets {
        if let Ok(FileName::Delta { list: of, from, to }) = name.raw().parse()
            && of == list
        {
            by_version.insert((from, to), (name.raw(), target));
        }
    }
    let newest = by_version.keys().map(|(_, to)| *to).max();
    let (mut changes, mut version, mut length) = (Vec::new(), held, 0_u64);
    while let Some(((_, to), change)) =
        by_version.range((version, 0)..=(version, u64::MAX)).next_back()
    {
        version = *to;
        length = length.saturating_add(change.1.length);
        changes.push(*change);
    }
    if newest == Some(version) && length < whole.length { changes } else { Vec::new() }
}

/// Works the changes at these paths into a list, one after the other, and writes what comes of them
/// to an empty file.
pub(super) fn work_in(
    held: &RevocationFile,
    list: ListId,
    changes: &[PathBuf],
    out: File,
) -> Result<(), FileError> {
    let open = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).map(str::parse);
        match name {
            Some(Ok(FileName::Delta { list: of, from, to })) if of == list => {
                DeltaFile::open(path, list, from, to)
            }
            _ => Err(FileError::DoesNotFit),
        }
    };
    let changes: Vec<_> = changes.iter().map(open).collect::<Result<_, _>>()?;
    merge_all(held, &changes, out).map(drop)
}
