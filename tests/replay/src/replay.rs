//! Sends what was recorded to an emulator, one call after the other.

use std::fmt;

use c1_api_emulator::Emulator;
use c1_api_ext::{ConfigError, Tenant, http};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Method};
use serde_json::{Map, Value as Json};

use crate::bindings::Bindings;
use crate::compare::{Comparison, Difference};
use crate::line::Line;

/// What stands for itself in a segment (RFC 3986, section 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// The header by which the emulator says that a response is no state.
const SAMPLE: &str = "c1-emulator";

/// What came of a replay.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many calls were compared.
    pub compared: usize,
    /// Those that could not be, with the reason.
    pub skipped: Vec<String>,
    /// Where the emulator is not as recorded.
    pub differences: Vec<Difference>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.skipped {
            writeln!(f, "skipped: {line}")?;
        }
        for difference in &self.differences {
            writeln!(f, "{difference}")?;
        }
        let (skipped, found) = (self.skipped.len(), self.differences.len());
        let compared = self.compared;
        write!(
            f,
            "{compared} calls compared, {skipped} skipped, {found} differences"
        )
    }
}

/// The replay cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The emulator did not start, or has no token.
    #[error("the emulator does not work")]
    Emulator(#[from] c1_api_emulator::Error),
    /// There is no HTTP client for the emulator.
    #[error("no HTTP client")]
    Client(#[from] ConfigError),
    /// The emulator did not respond.
    #[error("the emulator did not respond")]
    Http(#[from] reqwest::Error),
    /// A line has a method that is none.
    #[error("line {0}: method: expected an HTTP method")]
    Method(usize),
}

/// Replays lines against a new emulator.
///
/// # Errors
/// When the emulator does not start or respond. Differences are no errors.
pub async fn replay(lines: &[Line]) -> Result<Report, ReplayError> {
    let emulator = Emulator::start().await?;
    let tenant: Tenant = emulator.base_url().parse().map_err(ConfigError::from)?;
    // A plain one has no cryptography where the workspace is built as a whole.
    let http = http::client(&tenant)?;
    let mut replay = Replay {
        base: emulator.base_url().to_owned(),
        token: emulator.access_token()?,
        http,
        bindings: Bindings::default(),
        report: Report::default(),
    };
    for line in lines {
        replay.line(line).await?;
    }
    Ok(replay.report)
}

struct Replay {
    base: String,
    token: String,
    http: Client,
    bindings: Bindings,
    report: Report,
}

impl Replay {
    async fn line(&mut self, line: &Line) -> Result<(), ReplayError> {
        let Some(template) = &line.path else {
            self.skip(line, "the description does not have it");
            return Ok(());
        };
        let mut unbound = Vec::new();
        let path = self.path(template, &line.parameters, &mut unbound);
        let query = self.query(&line.query, &mut unbound);
        let method = Method::from_bytes(line.method.as_bytes());
        let method = method.map_err(|_| ReplayError::Method(line.number))?;
        let url = format!("{}{path}", self.base);
        let mut request = self.http.request(method, url).query(&query);
        if let Some(body) = &line.request {
            let body = self.bindings.body("", body, &mut unbound).to_string();
            request = request
                .header("content-type", "application/json")
                .body(body);
        }
        let response = request.bearer_auth(&self.token).send().await?;
        let status = response.status().as_u16();
        if status != line.status {
            // The object may be one that the tenant had before.
            if let (Some(id), true) = (unbound.first(), line.status < 400) {
                self.skip(line, &format!("no response before it has {id}"));
            } else {
                self.report.compared += 1;
                self.differ(line, "status", line.status.to_string(), status.to_string());
            }
            return Ok(());
        }
        self.report.compared += 1;
        let is_sample = response.headers().contains_key(SAMPLE);
        if is_sample != line.headers.contains_key(SAMPLE) {
            let name = |is_sample| if is_sample { "a sample" } else { "state" };
            self.differ(line, "response", name(!is_sample), name(is_sample));
        }
        if !is_sample {
            let body = response.bytes().await?;
            let emulated = serde_json::from_slice(&body).ok();
            self.compare(line, line.response.as_ref(), emulated.as_ref());
        }
        Ok(())
    }

    fn compare(&mut self, line: &Line, recorded: Option<&Json>, emulated: Option<&Json>) {
        let mut comparison = Comparison::new(&mut self.bindings);
        match (recorded, emulated) {
            (Some(recorded), Some(emulated)) => {
                comparison.values("response", recorded, emulated);
            }
            (None, None) => {}
            (recorded, emulated) => {
                let name = |body: Option<&Json>| match body {
                    Some(_) => "JSON",
                    None => "no JSON",
                };
                let (recorded, emulated) = (name(recorded), name(emulated));
                self.differ(line, "response", recorded, emulated);
                return;
            }
        }
        for (at, recorded, emulated) in comparison.finish() {
            self.differ(line, &at, recorded, emulated);
        }
    }

    fn path(
        &mut self,
        template: &str,
        parameters: &Map<String, Json>,
        unbound: &mut Vec<String>,
    ) -> String {
        let segments = template.split('/').map(|segment| {
            let name = segment.strip_prefix('{');
            let name = name.and_then(|name| name.strip_suffix('}'));
            let value = name.and_then(|name| parameters.get(name));
            match value.and_then(Json::as_str) {
                Some(text) => {
                    let text = self.bindings.sent("", text, unbound);
                    utf8_percent_encode(&text, UNRESERVED).to_string()
                }
                None => segment.to_owned(),
            }
        });
        segments.collect::<Vec<_>>().join("/")
    }

    fn query(
        &mut self,
        query: &Map<String, Json>,
        unbound: &mut Vec<String>,
    ) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for (name, values) in query {
            for value in values.as_array().into_iter().flatten() {
                let text = match value {
                    Json::String(text) => self.bindings.sent(name, text, unbound),
                    other => other.to_string(),
                };
                pairs.push((name.clone(), text));
            }
        }
        pairs
    }

    fn skip(&mut self, line: &Line, why: &str) {
        let Line {
            number, operation, ..
        } = line;
        self.report
            .skipped
            .push(format!("line {number}, {operation}: {why}"));
    }

    fn differ(
        &mut self,
        line: &Line,
        at: &str,
        recorded: impl Into<String>,
        emulated: impl Into<String>,
    ) {
        self.report.differences.push(Difference {
            line: line.number,
            operation: line.operation.clone(),
            at: at.to_owned(),
            recorded: recorded.into(),
            emulated: emulated.into(),
        });
    }
}
