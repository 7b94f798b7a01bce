//! `greengate-authority binding`.

use clap::Subcommand;
use greengate::{authority::Guardianship, id_document::NumberText};

use crate::{
    Failure,
    arguments::{At, Folder, NUMBER, RelationArgument},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Binding {
    /// Have a guardian handle a dependant's codes.
    Add {
        #[command(flatten)]
        folder: Folder,

        /// The number of the guardian's document.
        #[arg(long, value_name = "NUMBER", value_parser = NUMBER)]
        guardian: NumberText,

        /// The number of the dependant's document.
        #[arg(long, value_name = "NUMBER", value_parser = NUMBER)]
        dependant: NumberText,

        /// What the dependant is to the guardian.
        #[arg(long)]
        relation: RelationArgument,

        /// Where the consent is to be found, such as a form's number.
        #[arg(long, value_name = "WORDS")]
        consent: String,

        #[command(flatten)]
        at: At,
    },
    /// Let a dependant go.
    Remove {
        #[command(flatten)]
        folder: Folder,

        /// The number of the dependant's document.
        #[arg(long, value_name = "NUMBER", value_parser = NUMBER)]
        dependant: NumberText,
    },
}

impl Binding {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Add { folder, guardian, dependant, relation, consent, at } => {
                let guardianship = Guardianship {
                    guardian: guardian.clone(),
                    dependant: dependant.clone(),
                    relation: (*relation).into(),
                    consent: consent.clone(),
                };
                Ok(folder.open()?.bind(&guardianship, at.instant())?)
            }
            Self::Remove { folder, dependant } => Ok(folder.open()?.unbind(dependant)?),
        }
    }
}
