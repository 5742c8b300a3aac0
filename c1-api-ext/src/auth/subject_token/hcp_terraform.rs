//! The workload identity of HCP Terraform and Terraform Enterprise.

use std::ffi::OsString;
use std::fmt;

use c1_api::BoxFuture;

use super::environment::Environment;
use super::error::SubjectTokenError;
use super::token::{SubjectToken, SubjectTokenSource};

const TOKEN: &str = "TFC_WORKLOAD_IDENTITY_TOKEN";
const AUDIENCE: &str = "TFC_WORKLOAD_IDENTITY_AUDIENCE";

/// Reads the subject token from the environment of a run of HCP Terraform or Terraform Enterprise
/// (<https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/manual-generation>):
/// `TFC_WORKLOAD_IDENTITY_TOKEN`, or `TFC_WORKLOAD_IDENTITY_TOKEN_<TAG>` with a [tag](Self::tag).
///
/// The workspace has to set the environment variable `TFC_WORKLOAD_IDENTITY_AUDIENCE` (or
/// `TFC_WORKLOAD_IDENTITY_AUDIENCE_<TAG>`) to the tenant's host.
///
/// A plan and an apply each have one token, issued when it begins. C1 accepts a token for ten minutes after it was
/// issued: later in a long run, exchanges fail.
///
/// ```
/// let subject = c1_api_ext::HcpTerraform::new().tag("C1");
/// # drop(subject);
/// ```
#[derive(Clone, Default)]
pub struct HcpTerraform {
    tag: Option<String>,
    environment: Environment,
}

impl HcpTerraform {
    /// The token without a tag.
    pub fn new() -> Self {
        Self::default()
    }

    /// The token with this tag (letters, digits and underscores), for runs with tokens for several audiences. It ends the
    /// variable's name, so case matters.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tag = Some(tag.into());
        self
    }

    /// Reads variables with `get` instead of [`std::env::var_os`].
    #[must_use]
    pub fn vars<V: Into<OsString>>(
        mut self,
        get: impl Fn(&str) -> Option<V> + Send + Sync + 'static,
    ) -> Self {
        self.environment = Environment::new(get);
        self
    }

    fn tagged(&self, variable: &str) -> String {
        match &self.tag {
            Some(tag) => format!("{variable}_{tag}"),
            None => variable.to_owned(),
        }
    }
}

/// Its errors: [`SubjectTokenError::NotInHcpTerraform`], [`NotUnicode`](SubjectTokenError::NotUnicode) and
/// [`Empty`](SubjectTokenError::Empty), which name the variable.
impl SubjectTokenSource for HcpTerraform {
    fn fetch(&self) -> BoxFuture<'_, Result<SubjectToken, SubjectTokenError>> {
        Box::pin(async move {
            let variable = self.tagged(TOKEN);
            let token = self.environment.token(&variable)?;
            token.ok_or_else(|| SubjectTokenError::NotInHcpTerraform {
                variable,
                audience_variable: self.tagged(AUDIENCE),
            })
        })
    }
}

/// Shows the tag.
impl fmt::Debug for HcpTerraform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HcpTerraform")
            .field("tag", &self.tag)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_debug_is_clean, assert_no_secret, shown};

    #[tokio::test]
    async fn reads_the_variable_with_or_without_a_tag() {
        let run = |name: &str| match name {
            "TFC_WORKLOAD_IDENTITY_TOKEN" => Some("canary"),
            "TFC_WORKLOAD_IDENTITY_TOKEN_C1" => Some("canary-c1"),
            _ => None,
        };
        let plain = HcpTerraform::new().vars(run);
        assert_eq!(plain.fetch().await.expect("set").expose(), "canary");
        let tagged = HcpTerraform::new().tag("C1").vars(run);
        assert_eq!(tagged.fetch().await.expect("set").expose(), "canary-c1");
        assert_debug_is_clean(&tagged);

        // Never the token of another tag: it is for another audience.
        let error = tagged.tag("OTHER").fetch().await.expect_err("not set");
        assert_eq!(
            error.to_string(),
            "TFC_WORKLOAD_IDENTITY_TOKEN_OTHER is not set: not in a run of HCP Terraform, or its workspace does not set \
             TFC_WORKLOAD_IDENTITY_AUDIENCE_OTHER"
        );
        assert_no_secret(&shown(&error));
    }

    #[tokio::test]
    async fn an_empty_variable_is_named() {
        let error = HcpTerraform::new()
            .vars(|_| Some(" "))
            .fetch()
            .await
            .expect_err("empty");
        assert_eq!(
            error.to_string(),
            "the environment variable TFC_WORKLOAD_IDENTITY_TOKEN is empty"
        );
    }
}
