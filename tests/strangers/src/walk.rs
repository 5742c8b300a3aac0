//! Every operation through the generated client.

use c1_api::{Bearer, BoxFuture, Call, Client, Error, ErrorKind, Transport};
use c1_api_spec::model::{Operation, Safety};
use c1_tests::cases::{CASES, Case, Given};
use c1_tests::description;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Request, Response, StatusCode};

/// How many problems are told.
const SHOWN: usize = 20;

/// How often a call is tried that may fail.
const ATTEMPTS: u32 = 5;

/// What became of the calls of a walk.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// How many were answered with success, and decoded.
    pub(crate) answered: usize,
    /// How many got an error that the document allows.
    pub(crate) refused: usize,
    /// Those for which the server found no response each time.
    pub(crate) failed: Vec<&'static str>,
    /// What went wrong with the others, the operation first.
    pub(crate) problems: Vec<String>,
}

/// How a walk goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// What the arguments are sampled from.
    pub(crate) seed: u64,
    /// One operation of so many is called; the seed says which.
    pub(crate) of: u64,
    /// Whether an error response of the API is right; one of Prism, which has found a violation, never is.
    pub(crate) refusals: bool,
    /// Whether the server answers 500 where it does not know what to answer.
    pub(crate) may_fail: bool,
}

/// Has errors say what Prism says of a violation.
#[derive(Debug)]
struct Telling(Bearer);

impl Transport for Telling {
    fn execute<'a>(
        &'a self,
        request: Request,
        call: &'a Call,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        Box::pin(async move {
            let response = self.0.execute(request, call).await?;
            let kind = response.headers().get(CONTENT_TYPE);
            let is_problem = kind.is_some_and(|kind| kind == "application/problem+json");
            let status = response.status();
            if !is_problem {
                return Ok(response);
            }
            let problem = response.text().await.unwrap_or_default();
            Err(Error::new(ErrorKind::Server, problem).with_status(status))
        })
    }
}

/// Whether the operation with the number is called. So many seeds in a row call all operations.
fn is_chosen(number: u64, settings: Settings) -> bool {
    settings
        .seed
        .wrapping_add(number)
        .is_multiple_of(settings.of)
}

/// Whether the server behind Prism answers 501, for an operation that can be called once more.
async fn is_unknown(
    behind: &Client,
    operation: &Operation,
    case: &Case,
    given: &Given,
) -> Result<bool, String> {
    if operation.safety != Safety::Safe {
        return Ok(false);
    }
    let running = (case.start)(behind, given).map_err(|error| error.to_string())?;
    let error = running.await.err();
    Ok(error.is_some_and(|error| error.status() == Some(StatusCode::NOT_IMPLEMENTED)))
}

/// Calls every operation with arguments from the seed. `behind` is the server that Prism passes requests on to, if it does.
pub(crate) async fn walk(
    base_url: &str,
    token: &str,
    settings: Settings,
    behind: Option<&str>,
) -> Result<Walk, Box<dyn std::error::Error>> {
    // Prism closes connections that have waited for a while; a request that was sent just then would fail.
    let http = c1_api_ext::http::client_builder(&"127.0.0.1".parse()?)?
        .pool_max_idle_per_host(0)
        .build()?;
    let client = Client::new(
        base_url,
        http.clone(),
        Telling(Bearer::new(http.clone(), token)?),
    )?;
    let behind = behind.map(|url| Client::new(url, http.clone(), Bearer::new(http, token)?));
    let behind = behind.transpose()?;
    let mut walk = Walk::default();
    let cases = (0..).zip(description().operations.iter().zip(CASES));
    for (number, (operation, case)) in cases {
        if !is_chosen(number, settings) {
            continue;
        }
        let seed = settings.seed.wrapping_mul(1000).wrapping_add(number);
        let given = Given::sampled(operation, seed);
        for attempt in 0..ATTEMPTS {
            let running = (case.start)(&client, &given).map_err(|error| error.to_string())?;
            match running.await {
                Ok(_) => walk.answered += 1,
                Err(error)
                    if error.status() == Some(StatusCode::INTERNAL_SERVER_ERROR)
                        && settings.may_fail =>
                {
                    if attempt + 1 < ATTEMPTS {
                        continue;
                    }
                    walk.failed.push(case.id);
                }
                Err(error)
                    if settings.refusals
                        && error.code().is_some()
                        && error.status() != Some(StatusCode::INTERNAL_SERVER_ERROR) =>
                {
                    walk.refused += 1;
                }
                Err(error) => match &behind {
                    // Prism answers by itself where the server behind it says that it does not know the answer.
                    Some(behind) if is_unknown(behind, operation, case, &given).await? => {
                        walk.refused += 1;
                    }
                    _ => walk.problems.push(format!("{}: {error:?}", case.id)),
                },
            }
            break;
        }
    }
    Ok(walk)
}

impl Walk {
    /// An error if there are problems.
    pub(crate) fn verdict(self) -> Result<Self, Box<dyn std::error::Error>> {
        if self.problems.is_empty() {
            return Ok(self);
        }
        let shown = &self.problems[..self.problems.len().min(SHOWN)];
        Err(format!("{} problems:\n{}", self.problems.len(), shown.join("\n")).into())
    }
}

#[cfg(test)]
mod tests {
    use super::{Settings, is_chosen};

    #[test]
    fn shares_in_a_row_are_all_operations() {
        for of in [1, 2, 4, 5, 7] {
            for number in 0..20 {
                let chosen = (100..100 + of).filter(|seed| {
                    let settings = Settings {
                        seed: *seed,
                        of,
                        refusals: false,
                        may_fail: false,
                    };
                    is_chosen(number, settings)
                });
                assert_eq!(chosen.count(), 1, "{number} of {of}");
            }
        }
    }
}
