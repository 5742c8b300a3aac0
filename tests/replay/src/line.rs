//! A line of a recording.

use serde_json::{Map, Value as Json};

/// One recorded call.
#[derive(Clone, Debug)]
pub struct Line {
    /// Where it stands in the file, from 1.
    pub number: usize,
    /// Group and name.
    pub operation: String,
    /// The HTTP method.
    pub method: String,
    /// The path template; none if the description did not have the operation.
    pub path: Option<String>,
    /// The parameters in the path.
    pub parameters: Map<String, Json>,
    /// The parameters in the query, each with its values.
    pub query: Map<String, Json>,
    /// The body of the request, if it was JSON.
    pub request: Option<Json>,
    /// The HTTP status.
    pub status: u16,
    /// The headers of the response that are kept.
    pub headers: Map<String, Json>,
    /// The body of the response, if it was JSON.
    pub response: Option<Json>,
}

/// A recording is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// A line is no JSON.
    #[error("line {0}: expected an object in JSON")]
    Json(usize, #[source] serde_json::Error),
    /// A field is absent or of another type.
    #[error("line {0}: {1}: expected {2}")]
    Field(usize, &'static str, &'static str),
}

/// The lines of a recording.
///
/// # Errors
/// When one is not as `c1_api_ext::record` writes it.
pub fn lines(text: &str) -> Result<Vec<Line>, LineError> {
    let lines = text.lines().enumerate();
    let lines = lines.filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(at, line)| read(at + 1, line)).collect()
}

fn read(number: usize, line: &str) -> Result<Line, LineError> {
    let mut fields: Map<String, Json> =
        serde_json::from_str(line).map_err(|error| LineError::Json(number, error))?;
    let mut text = |name| match fields.remove(name) {
        Some(Json::String(text)) => Ok(Some(text)),
        None => Ok(None),
        Some(_) => Err(LineError::Field(number, name, "text")),
    };
    let operation = text("operation")?;
    let method = text("method")?;
    let path = text("path")?;
    let mut object = |name| match fields.remove(name) {
        Some(Json::Object(object)) => Ok(object),
        None => Ok(Map::new()),
        Some(_) => Err(LineError::Field(number, name, "an object")),
    };
    let (parameters, query, headers) =
        (object("parameters")?, object("query")?, object("headers")?);
    let status = fields.get("status").and_then(Json::as_u64);
    let status = status.and_then(|status| u16::try_from(status).ok());
    let missing = |name, expected| LineError::Field(number, name, expected);
    Ok(Line {
        number,
        operation: operation.ok_or(missing("operation", "text"))?,
        method: method.ok_or(missing("method", "text"))?,
        path,
        parameters,
        query,
        request: fields.remove("request"),
        status: status.ok_or(missing("status", "an HTTP status"))?,
        headers,
        response: fields.remove("response"),
    })
}
