//! `greengate-authority publish`, `root`, `timestamp`, and `serve`.

use std::{
    io::Write,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand, ValueEnum};
use greengate::{
    authority::{
        Authority,
        repository::{Payload, Repository, Rotation},
        serve::serve,
    },
    update::Role,
};

use crate::{Failure, arguments::At};

/// Publish the next version of the lists, and further files, as a TUF repository.
///
/// OUT is static files: any web server carries it to terminals, and so does a USB stick.
#[derive(Args, Debug)]
pub(crate) struct Publish {
    /// The authority's folder.
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// The folder to bring up to date.
    #[arg(value_name = "OUT")]
    out: PathBuf,

    /// Publish this file too, under its own name.
    #[arg(long, value_name = "FILE")]
    with: Vec<PathBuf>,

    #[command(flatten)]
    at: At,
}

impl Publish {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let named = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str());
            let name = name.ok_or_else(|| Failure(format!("{} has no name", path.display())))?;
            Ok((name.to_owned(), Payload::File(path.clone())))
        };
        let others = self.with.iter().map(named).collect::<Result<_, Failure>>()?;
        let mut authority = Authority::open(&self.folder)?;
        Ok(authority.publish_repository(&self.out, others, self.at.instant())?)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Root {
    /// Make the first root: three keys in KEYS, of which any two sign the next root.
    ///
    /// Keep each key on a medium of its own, away from this machine.
    Init {
        /// The authority's folder.
        #[arg(value_name = "DIR")]
        folder: PathBuf,

        /// The folder to make the root's keys in.
        #[arg(value_name = "KEYS")]
        keys: PathBuf,

        #[command(flatten)]
        at: At,
    },
    /// Make the next root: for another year, or with new keys; prints its version.
    ///
    /// It reaches terminals with the next `publish` or `timestamp`.
    Rotate {
        /// The authority's folder.
        #[arg(value_name = "DIR")]
        folder: PathBuf,

        /// The file of a key of the last root; two are needed.
        #[arg(long = "key", value_name = "FILE", required = true)]
        keys: Vec<PathBuf>,

        /// Make three new root keys in this folder.
        #[arg(long, value_name = "KEYS")]
        new_keys: Option<PathBuf>,

        /// Give this role a new key.
        #[arg(long, value_name = "ROLE")]
        replace: Vec<OnlineRole>,

        #[command(flatten)]
        at: At,
    },
    /// Print the newest root, with which terminals are provisioned.
    Show {
        /// The authority's folder.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

/// A role whose key is among the authority's own.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum OnlineRole {
    Targets,
    Snapshot,
    Timestamp,
}

impl From<OnlineRole> for Role {
    fn from(role: OnlineRole) -> Self {
        match role {
            OnlineRole::Targets => Self::Targets,
            OnlineRole::Snapshot => Self::Snapshot,
            OnlineRole::Timestamp => Self::Timestamp,
        }
    }
}

impl Root {
    pub(crate) fn run(&self, out: &mut impl Write) -> Result<(), Failure> {
        match self {
            Self::Init { folder, keys, at } => {
                Ok(repository(folder)?.init_root(keys, at.instant())?)
            }
            Self::Rotate { folder, keys, new_keys, replace, at } => {
                let rotation = Rotation {
                    sign_with: keys.clone(),
                    new_root_keys: new_keys.clone(),
                    replace: replace.iter().copied().map(Role::from).collect(),
                };
                let version = repository(folder)?.rotate_root(&rotation, at.instant())?;
                Ok(writeln!(out, "root version {version}")?)
            }
            Self::Show { folder } => Ok(out.write_all(&repository(folder)?.root()?)?),
        }
    }
}

/// Sign the timestamp anew and bring OUT up to date; meant for a timer, once a day.
#[derive(Args, Debug)]
pub(crate) struct Timestamp {
    /// The authority's folder.
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// The folder to bring up to date.
    #[arg(value_name = "OUT")]
    out: PathBuf,

    #[command(flatten)]
    at: At,
}

impl Timestamp {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        Ok(repository(&self.folder)?.sign_timestamp(&self.out, self.at.instant())?)
    }
}

/// Serve a published folder over HTTP, for demonstrations; prints the address.
#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// The folder.
    #[arg(value_name = "OUT")]
    folder: PathBuf,

    /// Where to listen.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8021")]
    listen: SocketAddr,
}

impl Serve {
    pub(crate) fn run(&self, out: &mut impl Write) -> Result<(), Failure> {
        let listener = TcpListener::bind(self.listen)?;
        writeln!(out, "http://{}/", listener.local_addr()?)?;
        out.flush()?;
        Ok(serve(&listener, &self.folder)?)
    }
}

/// The repository of an authority that is there.
fn repository(folder: &Path) -> Result<Repository, Failure> {
    Authority::open(folder)?;
    Ok(Repository::open(folder)?)
}
