//! The ceremony: making the root, and handing it on.

use std::{
    fs,
    path::{Path, PathBuf},
};

use ed25519_dalek::SigningKey;

use super::{
    AuthorityError, ROOT_EXPIRES, Repository, RepositoryError, keys,
    metadata::{Key, Root, Signed, key_id},
    role_key_path, whole_seconds,
};
use crate::{clock::Timestamp, update::Role};

/// How many keys the root has: one may be lost.
const ROOT_KEYS: usize = 3;

/// How many of them must sign: one may be stolen.
const ROOT_THRESHOLD: usize = 2;

/// What the next root has that the last one has not.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rotation {
    /// The files of keys of the root that is there, two at least.
    pub sign_with: Vec<PathBuf>,
    /// The folder to make three new root keys in, if it is to have new ones.
    pub new_root_keys: Option<PathBuf>,
    /// The other roles that are to have a new key.
    pub replace: Vec<Role>,
}

impl Repository {
    /// Makes the first root: three keys, a file each, in the folder `root_keys`, and one for each
    /// other role among the authority's own. Two of the three sign, and none is needed again before
    /// the root is rotated: they belong on three media, at three people's.
    ///
    /// # Errors
    ///
    /// [`RepositoryError::RootExists`]; [`AuthorityError::File`].
    pub fn init_root(&self, root_keys: &Path, now: Timestamp) -> Result<(), AuthorityError> {
        match self.newest_root() {
            Err(AuthorityError::Repository(RepositoryError::NoRoot)) => {}
            Ok(_) => return Err(RepositoryError::RootExists.into()),
            Err(error) => return Err(error),
        }
        let signing = new_root_keys(root_keys)?;
        let mut root = Root::new(1, whole_seconds(now) + ROOT_EXPIRES);
        root.entrust(Role::Root, &public(&signing), ROOT_THRESHOLD);
        for role in Role::ONLINE {
            root.entrust(role, &[self.new_role_key(role)?], 1);
        }
        self.put("1.root.json", &Signed::new(root, &signing[..ROOT_THRESHOLD]).to_bytes())
    }

    /// Makes the next root. Without anything new it is the same for another year. It is signed by
    /// two keys of the last root, so that terminals follow, and by two of its own.
    ///
    /// If another role has a new key, what is published is signed anew. The copies learn of it when
    /// they are next brought up to date.
    ///
    /// # Errors
    ///
    /// [`RepositoryError::TooFewKeys`]; [`AuthorityError::File`].
    pub fn rotate_root(&self, rotation: &Rotation, now: Timestamp) -> Result<u64, AuthorityError> {
        let Rotation { sign_with, new_root_keys: folder, replace } = rotation;
        let last = self.newest_root()?.signed;
        let mut signing = Vec::new();
        for path in sign_with {
            let key = keys::read(path)?;
            let known = last.keys_of(Role::Root).contains(&Key::of(&key));
            if known && !signing.iter().any(|one| key_id(one) == key_id(&key)) {
                signing.push(key);
            }
        }
        if signing.len() < ROOT_THRESHOLD {
            let given = signing.len();
            return Err(RepositoryError::TooFewKeys { given, needed: ROOT_THRESHOLD }.into());
        }

        let version = last.version + 1;
        let mut root = Root::new(version, whole_seconds(now) + ROOT_EXPIRES);
        if let Some(folder) = folder {
            let new = new_root_keys(folder)?;
            root.entrust(Role::Root, &public(&new), ROOT_THRESHOLD);
            signing.extend(new.into_iter().take(ROOT_THRESHOLD));
        } else {
            root.entrust(Role::Root, &last.keys_of(Role::Root), ROOT_THRESHOLD);
        }
        for role in Role::ONLINE {
            let keys = if replace.contains(&role) {
                vec![self.new_role_key(role)?]
            } else {
                last.keys_of(role)
            };
            root.entrust(role, &keys, 1);
        }
        let newest = self.newest()?;
        let signed = Signed::new(root, &signing);
        self.put(&format!("{version}.root.json"), &signed.to_bytes())?;
        if let Some(newest) = newest
            && !replace.is_empty()
        {
            self.sign(&signed.signed, newest.targets.signed.files, whole_seconds(now))?;
        }
        Ok(version)
    }

    fn new_role_key(&self, role: Role) -> Result<Key, AuthorityError> {
        let key = keys::make(|key| role_key_path(&self.keys, role, &key_id(key)))?;
        Ok(Key::of(&key))
    }
}

fn new_root_keys(folder: &Path) -> Result<Vec<SigningKey>, AuthorityError> {
    fs::create_dir_all(folder)
        .map_err(|source| AuthorityError::File { path: folder.to_path_buf(), source })?;
    let make = || keys::make(|key| role_key_path(folder, Role::Root, &key_id(key)));
    (0..ROOT_KEYS).map(|_| make()).collect()
}

fn public(keys: &[SigningKey]) -> Vec<Key> {
    keys.iter().map(Key::of).collect()
}
