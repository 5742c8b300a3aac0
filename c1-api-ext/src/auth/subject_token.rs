//! Tokens of other issuers to exchange for those of C1: one file a source.

mod env_variable;
mod environment;
mod error;
mod file;
mod github_actions;
mod hcp_terraform;
mod token;

pub use self::env_variable::EnvVariable;
pub use self::error::{SubjectSourceError, SubjectTokenError};
pub use self::file::TokenFile;
pub use self::github_actions::GitHubActions;
pub use self::hcp_terraform::HcpTerraform;
pub use self::token::{SubjectToken, SubjectTokenSource};
