//! Microsoft's clouds: the words on the command line, and what each stands for.

use crate::cli::error::CliError;
use crate::provider::presets::{Preset, preset_named};
use clap::{Args, ValueEnum};

/// Names a cloud.
#[derive(Debug, Args)]
pub struct CloudArgs {
    /// Microsoft's cloud
    #[arg(long, value_enum, value_name = "CLOUD", default_value_t = CloudWord::Global)]
    pub cloud: CloudWord,
}

/// One of Microsoft's clouds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CloudWord {
    /// Everybody else, and the US government's GCC
    Global,
    /// US government, GCC High
    Usgov,
    /// US Department of Defense
    Dod,
    /// China, operated by 21Vianet
    China,
}

impl CloudWord {
    /// Its preset for organisations.
    ///
    /// # Errors
    /// A usage problem when the program comes without one.
    pub fn preset(self) -> Result<&'static Preset, CliError> {
        let name = match self {
            Self::Global => "microsoft365",
            Self::Usgov => "microsoft365-gcc-high",
            Self::Dod => "microsoft365-dod",
            Self::China => "microsoft365-china",
        };
        preset_named(name).ok_or_else(|| {
            let what = format!("There is no provider named {name:?}");
            CliError::usage("which-provider", &what, "")
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::cloud::CloudWord;
    use clap::ValueEnum;

    #[test]
    fn every_cloud_has_its_preset() {
        for cloud in CloudWord::value_variants() {
            assert!(cloud.preset().is_ok(), "{cloud:?}");
        }
        assert_eq!(CloudWord::Dod.preset().unwrap().graph, "https://dod-graph.microsoft.us");
    }
}
