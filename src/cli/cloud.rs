//! Microsoft's clouds: the words on the command line, and what each stands for.

use crate::model::account::Resources;
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
    /// Name of its preset for organisations.
    #[must_use]
    pub fn preset(self) -> &'static str {
        match self {
            Self::Global => "microsoft365",
            Self::Usgov => "microsoft365-usgov",
            Self::Dod => "microsoft365-dod",
            Self::China => "microsoft365-china",
        }
    }

    /// Root of its sign-in server.
    #[must_use]
    pub fn authority(self) -> &'static str {
        match self {
            Self::Global => "https://login.microsoftonline.com",
            Self::Usgov | Self::Dod => "https://login.microsoftonline.us",
            Self::China => "https://login.partner.microsoftonline.cn",
        }
    }

    /// Where its resources are.
    #[must_use]
    pub fn resources(self) -> Resources {
        let (outlook, graph) = match self {
            Self::Global => return Resources::default(),
            Self::Usgov => ("https://outlook.office365.us", "https://graph.microsoft.us"),
            Self::Dod => ("https://outlook.office365.us", "https://dod-graph.microsoft.us"),
            Self::China => {
                ("https://partner.outlook.cn", "https://microsoftgraph.chinacloudapi.cn")
            }
        };
        Resources { outlook: outlook.to_owned(), graph: graph.to_owned() }
    }
}
