//! Which camera, how it is set, and how it hangs.

use clap::{Args, ValueEnum};

/// Which camera, how it is set, and how it hangs.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct CameraSetting {
    /// The camera: a part of its name, or its path, such as /dev/video0 or a link below
    /// /dev/v4l/by-id, which stays the same. Otherwise the first.
    #[arg(long, value_name = "NAME")]
    pub(crate) camera: Option<String>,

    /// How far to turn the camera's picture clockwise, in degrees, because it hangs the other way.
    #[arg(long, value_enum, value_name = "DEGREES", default_value_t)]
    pub(crate) rotate: Turn,

    /// Show the camera's picture left for right, as a mirror does.
    #[arg(long)]
    pub(crate) mirror: bool,

    /// How long the camera exposes a picture: `auto`, or in tenths of a millisecond. As it is set, if
    /// this is not given.
    #[arg(long, value_name = "TIME", value_parser = Level::parse)]
    pub(crate) exposure: Option<Level>,

    /// Where the camera focuses: `auto`, or a number of its own. As it is set, if this is not given.
    #[arg(long, value_name = "FOCUS", value_parser = Level::parse)]
    pub(crate) focus: Option<Level>,
}

/// A turn clockwise.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum Turn {
    #[default]
    #[value(name = "0")]
    None,
    #[value(name = "90")]
    Quarter,
    #[value(name = "180")]
    Half,
    #[value(name = "270")]
    ThreeQuarters,
}

/// What the camera finds itself, or a number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Level {
    Automatic,
    Fixed(u16),
}

impl Level {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Automatic),
            number => number
                .parse()
                .map(Self::Fixed)
                .map_err(|_| "give `auto`, or a number from 0 to 65535".to_owned()),
        }
    }
}

impl CameraSetting {
    /// Itself, in the words of the command line. In one argument each, so that no name is taken for
    /// an option.
    pub(super) fn arguments(&self) -> Vec<String> {
        let level = |level: Level| match level {
            Level::Automatic => "auto".to_owned(),
            Level::Fixed(number) => number.to_string(),
        };
        let turn = self.rotate.to_possible_value().map(|turn| turn.get_name().to_owned());
        let values = [
            ("camera", self.camera.clone()),
            ("rotate", turn),
            ("exposure", self.exposure.map(level)),
            ("focus", self.focus.map(level)),
        ];
        let values =
            values.into_iter().filter_map(|(name, value)| Some(format!("--{name}={}", value?)));
        values.chain(self.mirror.then(|| "--mirror".to_owned())).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        setting: CameraSetting,
    }

    fn parsed(arguments: &[String]) -> Result<CameraSetting, clap::Error> {
        let arguments = [String::new()].into_iter().chain(arguments.iter().cloned());
        Line::try_parse_from(arguments).map(|line| line.setting)
    }

    #[test]
    fn what_is_said_is_understood() {
        let default = CameraSetting::default;
        let cases = [
            (default(), vec!["--rotate=0"]),
            (
                CameraSetting { camera: Some("--mirror".into()), ..default() },
                vec!["--camera=--mirror", "--rotate=0"],
            ),
            (
                CameraSetting {
                    camera: Some("C920".into()),
                    rotate: Turn::ThreeQuarters,
                    mirror: true,
                    exposure: Some(Level::Automatic),
                    focus: Some(Level::Fixed(40)),
                },
                vec!["--camera=C920", "--rotate=270", "--exposure=auto", "--focus=40", "--mirror"],
            ),
        ];
        for (setting, expected) in cases {
            let arguments = setting.arguments();
            assert_eq!(arguments, expected);
            assert_eq!(parsed(&arguments).unwrap().arguments(), expected);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for nonsense in ["--rotate=45", "--exposure=-1", "--exposure=", "--focus=far"] {
            assert!(parsed(&[nonsense.to_owned()]).is_err(), "{nonsense}");
        }
    }
}
