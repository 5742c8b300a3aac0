//! What gets into a recording.

use std::io;
use std::sync::OnceLock;

use c1_api_spec::model::{Description, Operation, Type};
use c1_api_spec::template::{Piece, pieces};
use serde_json::{Map, Value as Json, json};
use url::Url;

use crate::Random;
use crate::record::placeholders::Placeholders;
use crate::record::redact::{Redactor, is_number};

/// Shifts timestamps by this many seconds.
#[derive(Debug)]
struct Shift(i64);

impl Random for Shift {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        bytes.copy_from_slice(&self.0.to_le_bytes());
        Ok(())
    }
}

fn description() -> &'static Description {
    static DESCRIPTION: OnceLock<Description> = OnceLock::new();
    DESCRIPTION.get_or_init(|| {
        c1_api_spec::load(c1_api_spec::DOCUMENT, c1_api_spec::OVERLAY).expect("our description")
    })
}

fn redactor() -> &'static Redactor {
    static REDACTOR: OnceLock<Redactor> = OnceLock::new();
    REDACTOR.get_or_init(|| Redactor::new(description().clone()))
}

fn placeholders() -> Placeholders {
    Placeholders::new(&Shift(60)).expect("a shift")
}

fn url(path: &str) -> Url {
    let url = format!("https://canary.conductor.one{path}");
    url.parse().expect("a URL")
}

/// The line of a request as JSON, and the response of it.
fn recorded(
    operation: &Operation,
    url: &Url,
    request: &Json,
    response: &Json,
    placeholders: &mut Placeholders,
) -> Json {
    let (id, method) = (operation.id(), operation.method.as_str());
    let request = request.to_string();
    let response = response.to_string();
    let body = Some(request.as_bytes());
    let mut line = redactor().request(&id, method, url, body, placeholders);
    let response = redactor().response(&id, response.as_bytes(), placeholders);
    line.insert("response".to_owned(), response.expect("JSON"));
    Json::Object(line)
}

/// The response of an operation without anything else.
fn response(id: &str, response: &Json, placeholders: &mut Placeholders) -> Json {
    let response = response.to_string();
    let response = redactor().response(id, response.as_bytes(), placeholders);
    response.expect("JSON")
}

fn holds_numbers(ty: &Type) -> bool {
    match ty {
        Type::List(inner) | Type::Map(inner) => holds_numbers(inner),
        ty => is_number(ty),
    }
}

/// Makes values that are nobody's business, of the right type and of wrong ones.
struct Canaries {
    count: usize,
}

impl Canaries {
    /// A text that a person, a system or an attacker may have put there.
    fn text(&mut self) -> Json {
        self.count += 1;
        let n = self.count;
        let text = match n % 9 {
            0 => format!("canary-{n}@canary.example"),
            1 => format!("https://canary.example/canary?{n}"),
            2 => format!("CANARY_{n}"),
            3 => format!("$.expanded[0].canary{n}"),
            4 => format!("displayName,canary{n}"),
            5 => format!("2026-01-02T03:04:05Z canary{n}"),
            6 => format!("{n}canarys"),
            7 => format!("type.googleapis.com/canary.v{n}"),
            _ => format!("canary {n}"),
        };
        text.into()
    }

    /// Something that the description does not expect.
    fn foreign(&mut self, depth: usize) -> Json {
        self.count += 1;
        match self.count % 5 {
            0 if depth > 0 => json!([self.foreign(depth - 1), self.text()]),
            1 if depth > 0 => {
                let name = format!("canary{}", self.count);
                json!({ name: self.foreign(depth - 1), "@type": self.text() })
            }
            // A telephone number, say.
            2 => 313_373_133.into(),
            _ => self.text(),
        }
    }

    /// A value whose form is that of the type, as far as text is part of it.
    fn value(&mut self, ty: &Type, depth: usize) -> Json {
        match ty {
            Type::List(inner) => json!([self.value(inner, depth), self.value(inner, depth)]),
            Type::Map(inner) => {
                let key = format!("canary{}", self.count);
                json!({ key: self.value(inner, depth) })
            }
            Type::Any => {
                let schemas = &description().schemas;
                let (name, schema) = schemas
                    .get_index(self.count % schemas.len())
                    .expect("a schema");
                let mut fields = self.message(name, depth);
                let known = schema.proto.as_ref().map(|proto| {
                    let url = format!("type.googleapis.com/{proto}");
                    Json::from(url)
                });
                let url = known.unwrap_or_else(|| self.text());
                fields.insert("@type".to_owned(), url);
                fields.into()
            }
            Type::Ref(name) if description().message(name).is_some() => {
                self.message(name, depth).into()
            }
            Type::Object | Type::Json => self.foreign(3),
            _ => self.text(),
        }
    }

    fn message(&mut self, name: &str, depth: usize) -> Map<String, Json> {
        let mut fields = Map::new();
        let message = description().message(name).filter(|_| depth > 0);
        for (name, field) in message.iter().flat_map(|message| &message.fields) {
            self.count += 1;
            // Numbers stay where the description has numbers.
            let value = if self.count.is_multiple_of(7) && !holds_numbers(&field.ty) {
                self.foreign(2)
            } else {
                self.value(&field.ty, depth - 1)
            };
            fields.insert(name.clone(), value);
        }
        let unknown = format!("canary{}", self.count);
        fields.insert(unknown, self.foreign(2));
        fields
    }

    /// The URL of a request.
    fn url(&mut self, operation: &Operation) -> Url {
        let pieces = pieces(&operation.path).expect("a template");
        let path: String = pieces
            .into_iter()
            .map(|piece| match piece {
                Piece::Literal(text) => text.to_owned(),
                Piece::Parameter(_) => {
                    let text = self.text().as_str().unwrap_or_default().to_owned();
                    text.replace(['/', '?', '%'], "_")
                }
            })
            .collect();
        let mut url = url(&path);
        let known = operation.query_parameters.iter();
        for name in known.map(|parameter| &*parameter.name).chain(["canary"]) {
            let text = self.text();
            let value = text.as_str().unwrap_or_default();
            url.query_pairs_mut().append_pair(name, value);
        }
        url
    }
}

#[test]
fn nothing_gets_into_a_recording_unless_the_description_says_so() {
    let mut canaries = Canaries { count: 0 };
    let mut placeholders = placeholders();
    for operation in &description().operations {
        let url = canaries.url(operation);
        let body = operation.body.as_ref().and_then(|body| body.json.as_ref());
        let answer = operation.response.payload.as_ref();
        let answer = answer.and_then(|payload| payload.json.as_ref());
        for _ in 0..3 {
            let mut of = |ty: Option<&Type>| match ty {
                Some(ty) => canaries.value(ty, 4),
                None => canaries.foreign(3),
            };
            let (request, response) = (of(body), of(answer));
            let line = recorded(operation, &url, &request, &response, &mut placeholders);
            let text = line.to_string();
            for leak in ["canary", "CANARY", "313373133"] {
                assert!(!text.contains(leak), "{}: {text}", operation.id());
            }
        }
    }
    // That there was something to leak.
    assert!(canaries.count > 100_000, "{}", canaries.count);
}

#[test]
fn what_the_description_knows_stays() {
    let sent = json!({
        "app": {
            "displayName": "Canary",
            "isDirectory": false,
            "certifyPolicyId": null,
            "ownerIds": [],
        },
        "updateMask": "app.displayName,isDirectory",
    });
    let received = json!({
        "app": {
            "id": "2B",
            "displayName": "Canary",
            "createdAt": "2026-01-02T03:04:05.006Z",
            "deletedAt": null,
            "updatedAt": "0001-01-01T00:00:00Z",
            "userCount": "12",
            "monthlyCostUsd": 3,
            "logoUri": "https://canary.example/logo.png",
            "description": "",
            "identityMatching": "APP_USER_IDENTITY_MATCHING_DISPLAY_NAME",
            "accessModel": "APP_ACCESS_MODEL_CANARY",
        },
    });
    let operation = description().operation("apps.update").expect("apps.update");
    let url = url("/api/v1/apps/2B?canary=1");
    let line = recorded(operation, &url, &sent, &received, &mut placeholders());
    let expected = json!({
        "operation": "apps.update",
        "method": "POST",
        "path": "/api/v1/apps/{id}",
        "parameters": { "id": "id-1" },
        "query": { "unknown-1": ["text-1"] },
        "request": {
            "app": {
                "displayName": "text-2",
                "isDirectory": false,
                "certifyPolicyId": null,
                "unknown-2": [],
            },
            "updateMask": "app.displayName,isDirectory",
        },
        "response": {
            "app": {
                "id": "id-1",
                "displayName": "text-2",
                "createdAt": "2026-01-02T03:05:05.006Z",
                "deletedAt": null,
                "updatedAt": "0001-01-01T00:00:00Z",
                "userCount": "12",
                "monthlyCostUsd": 3,
                "logoUri": "https://example.com/1",
                "description": "",
                "identityMatching": "APP_USER_IDENTITY_MATCHING_DISPLAY_NAME",
                "accessModel": "unknown-3",
            },
        },
    });
    assert_eq!(line, expected);
}

#[test]
fn an_expanded_object_is_read_as_what_it_says_it_is() {
    let list = json!({
        "list": [{ "appPath": "$.expanded[0]", "appResourcePath": "$.expanded[canary]" }],
        "expanded": [
            {
                "@type": "type.googleapis.com/c1.api.app.v1.App",
                "userCount": "7",
                "displayName": "Canary",
                "canary": 1,
            },
            { "@type": "type.googleapis.com/canary", "userCount": 31337 },
        ],
    });
    let line = response("app_entitlement_search.search", &list, &mut placeholders());
    let expanded = json!([
        {
            "@type": "type.googleapis.com/c1.api.app.v1.App",
            "userCount": "7",
            "displayName": "text-2",
            "unknown-1": 0,
        },
        { "@type": "text-3", "unknown-2": 0 },
    ]);
    let row = json!({ "appPath": "$.expanded[0]", "appResourcePath": "text-1" });
    assert_eq!(line, json!({ "list": [row], "expanded": expanded }));
}

#[test]
fn fields_that_hold_secrets_show_that_they_are_there() {
    let created = json!({
        "personalClient": { "id": "1", "displayName": "x" },
        "clientSecret": "canary",
    });
    let line = response("personal_client.create", &created, &mut placeholders());
    assert_eq!(line["clientSecret"], "[redacted]");
    let nothing = json!({ "clientSecret": null });
    let line = response("personal_client.create", &nothing, &mut placeholders());
    assert_eq!(line, nothing);
}

#[test]
fn a_call_that_the_description_lacks_has_its_method_only() {
    let body = Some(&b"{\"canary\":1}"[..]);
    let url = url("/api/v1/canary/2B?canary=canary");
    let line = redactor().request("custom", "PATCH", &url, body, &mut placeholders());
    let line = Json::Object(line);
    assert_eq!(line, json!({ "operation": "unknown", "method": "PATCH" }));
}

#[test]
fn the_path_of_the_base_url_is_left_out() {
    let operation = description().operation("apps.get").expect("apps.get");
    let url = url("/canary/base/api/v1/apps/a%2Bb+c");
    let line = redactor().request(&operation.id(), "GET", &url, None, &mut placeholders());
    assert_eq!(line["parameters"], json!({ "id": "id-1" }));
    let again = crate::record::redact::path_values(&operation.path, url.path());
    assert_eq!(again, [("id", "a+b+c".to_owned())]);
}
