//! The `expanded` field: related objects that the request's expand mask asks for.

use c1_api_spec::model::Description;
use serde_json::{Value, json};

use super::State;
use super::call::Call;
use super::row::{Row, with_defaults};
use crate::status::Status;

/// The response for a page of rows: their views, and the objects that the views expand.
pub(super) fn page_response(
    state: &State,
    call: &Call<'_>,
    (rows, next): (Vec<&Row>, String),
    view: impl Fn(&State, &Row, &mut Expansion<'_>) -> Value,
) -> Value {
    let mut expansion = Expansion::new(&state.description, call);
    let views: Vec<_> = rows
        .into_iter()
        .map(|row| view(state, row, &mut expansion))
        .collect();
    json!({ "list": views, "nextPageToken": next, "expanded": expansion.finish() })
}

/// Collects the `expanded` objects of one response.
pub(super) struct Expansion<'a> {
    description: &'a Description,
    paths: Vec<String>,
    objects: Vec<Value>,
}

impl<'a> Expansion<'a> {
    /// Expands the paths in the call's `expandMask`, if any.
    pub(super) fn new(description: &'a Description, call: &Call<'_>) -> Self {
        let mask = call.object("expandMask");
        let paths = mask.texts("paths").into_iter().map(str::to_owned).collect();
        Self {
            description,
            paths,
            objects: Vec::new(),
        }
    }

    /// Adds the object if the mask contains `path` or `*`. Returns the `JSONPath` of the object, or an
    /// empty string.
    pub(super) fn add(&mut self, path: &str, schema: &str, row: Result<&Row, Status>) -> Value {
        let wanted = self.paths.iter().any(|known| known == path || known == "*");
        let (true, Ok(row)) = (wanted, row) else {
            return json!("");
        };
        let proto = self
            .description
            .schemas
            .get(schema)
            .and_then(|schema| schema.proto.as_deref());
        let mut object = Row::of([(
            "@type",
            &format!("type.googleapis.com/{}", proto.unwrap_or(schema)),
        )]);
        if let Value::Object(fields) =
            with_defaults(self.description, schema, Value::Object(row.0.clone()))
        {
            object.0.extend(fields);
        }
        let object = Value::Object(object.0);
        let known = self.objects.iter().position(|known| *known == object);
        let at = known.unwrap_or_else(|| {
            self.objects.push(object);
            self.objects.len() - 1
        });
        json!(format!("$.expanded[{at}]"))
    }

    /// The value of the field `expanded`.
    pub(super) fn finish(self) -> Value {
        Value::Array(self.objects)
    }
}
