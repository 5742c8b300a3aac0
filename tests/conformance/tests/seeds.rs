//! The four operations that the project began with: create an app entitlement, bind it to a conflict
//! monitor, bind two entitlements by proxy, own one entitlement by another.
//!
//! What is known of them stands here as facts of our own, and is compared with the types. Where the
//! vendor's pages themselves are at hand (`../shared/seeds` beside the repository, or
//! `C1_SEEDS_DIR`), their schemas, field lists and examples are compared as well; they are not ours
//! to copy, so elsewhere that part says that it was skipped.
//!
//! A description that lacks one of them has none of these tests; `build.rs` warns of it.
#![cfg(all(
    operation = "access_conflict.create_monitor",
    operation = "app_entitlement_monitor_binding.create",
    operation = "app_entitlement_owners_v2.create_entitlement_owner",
    operation = "app_entitlements.create",
    operation = "app_entitlements_proxy.create",
    operation = "apps.create",
))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failing helper is a failing test"
)]

use std::path::{Path, PathBuf};
use std::{env, fs};

use c1_api::app_entitlement_owners_v2::CreateEntitlementOwnerPath;
use c1_api::app_entitlements_proxy::CreatePath;
use c1_api::chrono::TimeDelta;
use c1_api::types;
use c1_api_emulator::Emulator;
use c1_api_ext::C1;
use c1_api_spec::Description;
use c1_api_spec::model::{Operation, SchemaKind, Type};
use c1_tests::{canonical, description, edit, schemas};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Fields by name, with their kinds as [`kind`] tells them.
type Fields = &'static [(&'static str, &'static str)];

/// What is known of an operation.
struct Facts {
    id: &'static str,
    method: &'static str,
    path: &'static str,
    parameters: &'static [&'static str],
    required: &'static [&'static str],
    request: Fields,
    response: Fields,
}

const SEEDS: [Facts; 4] = [
    Facts {
        id: "app_entitlements.create",
        method: "POST",
        path: "/api/v1/apps/{app_id}/entitlements",
        parameters: &["app_id"],
        required: &["displayName"],
        request: &[
            ("alias", "string"),
            ("appEntitlementOwnerIds", "string[]"),
            ("appResourceId", "string"),
            ("appResourceTypeId", "string"),
            ("certifyPolicyId", "string"),
            ("complianceFrameworkValueIds", "string[]"),
            ("description", "string"),
            ("displayName", "string"),
            ("durationGrant", "string<duration>"),
            ("durationUnset", "object"),
            ("emergencyGrantEnabled", "boolean"),
            ("emergencyGrantPolicyId", "string"),
            ("expandMask", "object"),
            ("grantPolicyId", "string"),
            ("matchBatonId", "string"),
            ("overrideAccessRequestsDefaults", "boolean"),
            ("provisionPolicy", "object"),
            ("purpose", "enum<string>"),
            ("revokePolicyId", "string"),
            ("riskLevelValueId", "string"),
            ("slug", "string"),
        ],
        response: &[("appEntitlementView", "object"), ("expanded", "object[]")],
    },
    Facts {
        id: "app_entitlement_monitor_binding.create",
        method: "POST",
        path: "/api/v1/appentitlementmonitorbinding",
        parameters: &[],
        required: &[],
        request: &[
            ("appEntitlementId", "string"),
            ("appId", "string"),
            ("entitlementGroup", "enum<string>"),
            ("monitorId", "string"),
        ],
        response: &[
            ("appEntitlementId", "string"),
            ("appId", "string"),
            ("createdAt", "string<date-time>"),
            ("deletedAt", "string<date-time>"),
            ("entitlementGroup", "enum<string>"),
            ("monitorId", "string"),
            ("updatedAt", "string<date-time>"),
        ],
    },
    Facts {
        id: "app_entitlements_proxy.create",
        method: "POST",
        path: "/api/v1/apps/{src_app_id}/{src_app_entitlement_id}/bindings/{dst_app_id}/{dst_app_entitlement_id}",
        parameters: &[
            "src_app_id",
            "src_app_entitlement_id",
            "dst_app_id",
            "dst_app_entitlement_id",
        ],
        required: &[],
        request: &[("expandMask", "object")],
        response: &[
            ("appProxyEntitlementView", "object"),
            ("expanded", "object[]"),
        ],
    },
    Facts {
        id: "app_entitlement_owners_v2.create_entitlement_owner",
        method: "POST",
        path: "/api/v2/apps/{app_id}/entitlements/{entitlement_id}/owners/entitlements/{role_slug}/{app_entitlement_ref_app_id}/{app_entitlement_ref_id}",
        parameters: &[
            "app_id",
            "entitlement_id",
            "role_slug",
            "app_entitlement_ref_app_id",
            "app_entitlement_ref_id",
        ],
        required: &[],
        request: &[("appEntitlementRef", "object")],
        response: &[("appEntitlementOwnerEntitlement", "object")],
    },
];

/// The kind of a value, in the words that API references use.
fn kind(description: &Description, ty: &Type) -> String {
    match ty {
        Type::String => "string".to_owned(),
        Type::Bool => "boolean".to_owned(),
        Type::Int32 | Type::Uint32 => "integer".to_owned(),
        Type::Int64 | Type::Uint64 => "string<int64>".to_owned(),
        Type::Int64Number | Type::Uint64Number => "integer<int64>".to_owned(),
        Type::Double => "number".to_owned(),
        Type::Bytes => "string<base64>".to_owned(),
        Type::Timestamp => "string<date-time>".to_owned(),
        Type::Duration => "string<duration>".to_owned(),
        Type::Json => "any".to_owned(),
        Type::List(item) => format!("{}[]", kind(description, item)),
        Type::Ref(_) if edit::is_enum(description, ty) => "enum<string>".to_owned(),
        Type::Ref(_) | Type::Any | Type::Object | Type::Map(_) => "object".to_owned(),
    }
}

fn operation(id: &str) -> &'static Operation {
    description().operation(id).expect(id)
}

/// Asserts that the fields are in the schema, of their kinds.
fn assert_fields<'a>(schema: &str, fields: impl IntoIterator<Item = (&'a str, &'a str)>) {
    let message = description().message(schema).expect(schema);
    for (name, expected) in fields {
        let field = message.fields.get(name);
        let field = field.unwrap_or_else(|| panic!("{schema} has no {name}"));
        assert_eq!(kind(description(), &field.ty), expected, "{schema}.{name}");
    }
}

#[test]
fn the_description_agrees_with_the_facts() {
    for seed in &SEEDS {
        let operation = operation(seed.id);
        assert_eq!(operation.method.as_str(), seed.method);
        assert_eq!(operation.path, seed.path);
        let parameters: Vec<_> = operation
            .path_parameters
            .iter()
            .map(|parameter| (parameter.name.as_str(), &parameter.ty))
            .collect();
        let expected: Vec<_> = seed
            .parameters
            .iter()
            .map(|name| (*name, &Type::String))
            .collect();
        assert_eq!(parameters, expected);
        let body = operation.body.as_ref().unwrap().schema().unwrap();
        assert_fields(body, seed.request.iter().copied());
        assert_fields(
            operation.response.schema().unwrap(),
            seed.response.iter().copied(),
        );
        let fields = &description().message(body).unwrap().fields;
        let required: Vec<_> = fields
            .iter()
            .filter(|(_, field)| field.required)
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(required, seed.required);
    }
}

/// Asserts that a request is written as `json`, and that `json` is read as the same request.
fn assert_wire<T>(request: &T, json: &Value)
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    assert_eq!(&serde_json::to_value(request).unwrap(), json);
    let read: T = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(&read, request);
    let read: T = serde_json::from_str(&json.to_string()).unwrap();
    assert_eq!(&read, request);
}

/// Every field of the requests, set through the types and told as JSON by hand.
#[test]
fn the_types_write_the_requests() {
    let policy = types::ProvisionPolicy::new().typ(types::ProvisionPolicyTyp::Manual(
        types::ManualProvision::new()
            .instructions("Ask Mara")
            .user_ids(["u1"]),
    ));
    let create = types::CreateAppEntitlementRequest::new("Read")
        .alias("read-all")
        .app_entitlement_owner_ids(["u1", "u2"])
        .app_resource_id("r1")
        .app_resource_type_id("rt1")
        .certify_policy_id("p1")
        .compliance_framework_value_ids(["c1"])
        .description("May read")
        .duration_grant(TimeDelta::milliseconds(5_400_500))
        .emergency_grant_enabled(true)
        .emergency_grant_policy_id("p2")
        .expand_mask(types::AppEntitlementExpandMask::new().paths(["*"]))
        .grant_policy_id("p3")
        .match_baton_id("b1")
        .override_access_requests_defaults(false)
        .provision_policy(policy)
        .purpose(types::AppEntitlementPurposeValue::Permission)
        .revoke_policy_id("p4")
        .risk_level_value_id("l1")
        .slug("Read");
    let json = json!({
        "alias": "read-all",
        "appEntitlementOwnerIds": ["u1", "u2"],
        "appResourceId": "r1",
        "appResourceTypeId": "rt1",
        "certifyPolicyId": "p1",
        "complianceFrameworkValueIds": ["c1"],
        "description": "May read",
        "displayName": "Read",
        "durationGrant": "5400.500s",
        "emergencyGrantEnabled": true,
        "emergencyGrantPolicyId": "p2",
        "expandMask": { "paths": ["*"] },
        "grantPolicyId": "p3",
        "matchBatonId": "b1",
        "overrideAccessRequestsDefaults": false,
        "provisionPolicy": { "manual": { "instructions": "Ask Mara", "userIds": ["u1"] } },
        "purpose": "APP_ENTITLEMENT_PURPOSE_VALUE_PERMISSION",
        "revokePolicyId": "p4",
        "riskLevelValueId": "l1",
        "slug": "Read",
    });
    assert_wire(&create, &json);
    // All that the facts name; the other member of the oneof takes the place of its sibling.
    assert_eq!(json.as_object().unwrap().len() + 1, SEEDS[0].request.len());
    let unset = create.clone().duration_unset(serde_json::Map::new());
    assert_eq!(unset.duration_grant, None);
    let mut json = json;
    json.as_object_mut().unwrap().remove("durationGrant");
    json["durationUnset"] = json!({});
    assert_wire(&unset, &json);

    assert_wire(
        &types::CreateAppEntitlementMonitorBindingRequest::new()
            .app_id("a")
            .app_entitlement_id("e")
            .entitlement_group(types::EntitlementGroup::B)
            .monitor_id("m"),
        &json!({
            "appId": "a", "appEntitlementId": "e", "entitlementGroup": "ENTITLEMENT_GROUP_B", "monitorId": "m",
        }),
    );
    assert_wire(
        &types::CreateAppEntitlementProxyRequest::new()
            .expand_mask(types::AppEntitlementProxyExpandMask::new().paths(["src_app_path"])),
        &json!({ "expandMask": { "paths": ["src_app_path"] } }),
    );
    assert_wire(
        &types::CreateAppEntitlementEntitlementOwnerRequest::new()
            .app_entitlement_ref(types::AppEntitlementRef::new().app_id("a").id("e")),
        &json!({ "appEntitlementRef": { "appId": "a", "id": "e" } }),
    );
}

/// The four in their order, against a tenant that remembers, with a token by signed assertion.
#[tokio::test]
async fn the_four_operations_end_to_end() {
    let emulator = Emulator::start().await.unwrap();
    let c1 = C1::builder()
        .client_credentials(emulator.client_id(), emulator.client_secret())
        .build()
        .unwrap();

    let body = types::CreateAppRequest::new("Greenhouse");
    let app = c1.apps().create(body).await.unwrap().app.unwrap();
    let app = app.id.unwrap();
    let mut entitlements = Vec::new();
    for name in ["Open the doors", "Water the plants"] {
        let body = types::CreateAppEntitlementRequest::new(name)
            .slug("greenhouse")
            .duration_grant(TimeDelta::hours(1));
        let sent = c1.app_entitlements().create(&app, body).send().await;
        let response = sent.unwrap();
        assert_eq!(response.status(), 200);
        let view = response.into_inner().app_entitlement_view.unwrap();
        let entitlement = view.app_entitlement.unwrap();
        assert_eq!(entitlement.display_name.as_deref(), Some(name));
        assert_eq!(entitlement.app_id.as_ref(), Some(&app));
        assert_eq!(entitlement.duration_grant, Some(TimeDelta::hours(1)));
        entitlements.push(entitlement.id.unwrap());
    }
    let [doors, plants] = &entitlements[..] else {
        panic!("two entitlements")
    };

    let body = types::ConflictMonitorCreateRequest::new("Doors and plants");
    let monitor = c1.access_conflict().create_monitor(body).await.unwrap();
    let monitor = monitor.id.unwrap();
    let body = types::CreateAppEntitlementMonitorBindingRequest::new()
        .app_id(&app)
        .app_entitlement_id(doors)
        .entitlement_group(types::EntitlementGroup::A)
        .monitor_id(&monitor);
    let bind = c1.app_entitlement_monitor_binding().create(body);
    let bound = bind.clone().await.unwrap();
    assert_eq!(bound.monitor_id, Some(monitor));
    assert_eq!(bound.app_entitlement_id.as_ref(), Some(doors));
    assert_eq!(bound.entitlement_group, Some(types::EntitlementGroup::A));
    assert!(bound.created_at.is_some());
    assert_eq!(bound.deleted_at, None);
    assert!(bind.await.unwrap_err().is_already_exists());

    let body = types::CreateAppEntitlementProxyRequest::new()
        .expand_mask(types::AppEntitlementProxyExpandMask::new().paths(["*"]));
    let proxies = c1.app_entitlements_proxy();
    let path = CreatePath {
        src_app_id: &app,
        src_app_entitlement_id: doors,
        dst_app_id: &app,
        dst_app_entitlement_id: plants,
    };
    let proxy = proxies.create(path, body);
    let proxy = proxy.await.unwrap();
    let view = proxy.app_proxy_entitlement_view.unwrap();
    let between = view.app_proxy_entitlement.unwrap();
    assert_eq!(between.src_app_id.as_ref(), Some(&app));
    assert_eq!(between.src_app_entitlement_id.as_ref(), Some(doors));
    assert_eq!(between.dst_app_id.as_ref(), Some(&app));
    assert_eq!(between.dst_app_entitlement_id.as_ref(), Some(plants));
    let expanded: types::App = proxy.expanded[0].decode().unwrap();
    assert_eq!(expanded.id.as_ref(), Some(&app));

    let owners = c1.app_entitlement_owners_v2();
    let body = types::CreateAppEntitlementEntitlementOwnerRequest::new();
    let path = CreateEntitlementOwnerPath {
        app_id: &app,
        entitlement_id: doors,
        role_slug: "owner",
        app_entitlement_ref_app_id: &app,
        app_entitlement_ref_id: plants,
    };
    let owner = owners.create_entitlement_owner(path, body.clone());
    let owner = owner.await.unwrap();
    let owner = owner.app_entitlement_owner_entitlement.unwrap();
    assert_eq!(owner.entitlement_id.as_ref(), Some(doors));
    assert_eq!(owner.role_slug.as_deref(), Some("owner"));
    assert_eq!(owner.app_entitlement.unwrap().id.as_ref(), Some(plants));
    let nobody = CreateEntitlementOwnerPath {
        entitlement_id: "nobody",
        ..path
    };
    let missing = owners.create_entitlement_owner(nobody, body);
    assert!(missing.await.unwrap_err().is_not_found());

    assert_eq!(emulator.token_requests(), 1, "one token for all of it");
    let called: Vec<_> = emulator
        .requests()
        .into_iter()
        .map(|request| request.operation)
        .collect();
    for seed in &SEEDS {
        assert!(called.iter().any(|id| id == seed.id), "{}", seed.id);
    }
}

/// The vendor's pages, if they are at hand.
fn pages(test: &str) -> Vec<(PathBuf, String)> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/seeds");
    let folder = env::var_os("C1_SEEDS_DIR").map_or(beside, PathBuf::from);
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let page = fs::read_to_string(&path).unwrap();
            pages.push((path, page));
        }
    }
    if pages.is_empty() {
        println!("skipped: {test} needs the vendor's pages; set C1_SEEDS_DIR to their folder");
    }
    pages.sort();
    pages
}

/// The OpenAPI document in a page.
fn document(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once("\n````yaml ")?;
    let (_, rest) = rest.split_once('\n')?;
    Some(rest.split_once("\n````")?.0)
}

/// The JSON example in a page, and the operation whose answer it is: the page begins with a method
/// and, cut into lines, a path.
fn example(page: &str) -> Option<(&'static Operation, Value)> {
    let lines: Vec<_> = page.lines().collect();
    let start = lines.iter().position(|line| *line == "{")?;
    let end = start + lines[start..].iter().position(|line| *line == "}")?;
    let example = serde_json::from_str(&lines[start..=end].join("\n")).unwrap();
    let mut path = String::new();
    let route = lines.iter().skip_while(|line| **line != "POST").skip(1);
    for (at, line) in route.enumerate() {
        if at % 2 == 0 && *line != "/" {
            break;
        }
        path.push_str(line);
    }
    let seed = SEEDS.iter().find(|seed| seed.path == path).expect(&path);
    Some((operation(seed.id), example))
}

/// An example with values where it has only words in angle brackets for them. Panics at a field
/// that the description does not know.
fn filled(ty: &Type, example: &Value, at: &str) -> Value {
    let name_only = example
        .as_str()
        .is_some_and(|text| text.starts_with('<') && text.ends_with('>'));
    match ty {
        Type::List(_) if name_only => json!([]),
        Type::Int32 | Type::Uint32 if name_only => json!(5),
        Type::Int64 | Type::Uint64 if name_only => json!("5"),
        Type::Double if name_only => json!(0.5),
        Type::Bytes if name_only => json!("AAEC"),
        Type::Timestamp if name_only => json!("2023-11-07T05:31:56Z"),
        Type::Duration if name_only => json!("3600s"),
        Type::List(item) => {
            let list = example.as_array().expect(at);
            list.iter()
                .map(|element| filled(item, element, at))
                .collect()
        }
        Type::Ref(name) => match description().message(name) {
            None => example.clone(),
            Some(message) => {
                let object = example.as_object().expect(at);
                let fields = object.iter().map(|(name, value)| {
                    let at = format!("{at}.{name}");
                    let field = message.fields.get(name);
                    let field = field.unwrap_or_else(|| panic!("unknown field {at}"));
                    (name.clone(), filled(&field.ty, value, &at))
                });
                Value::Object(fields.collect())
            }
        },
        _ => example.clone(),
    }
}

/// Each example answer decodes, knows every field, and is written again without loss.
#[test]
fn the_examples_decode_field_by_field() {
    let pages = pages("comparing the examples");
    let mut fields = 0;
    let mut examples = 0;
    for (path, page) in &pages {
        let Some((operation, example)) = example(page) else {
            continue;
        };
        let ty = Type::Ref(operation.response.schema().unwrap().to_owned());
        let example = filled(&ty, &example, operation.response.schema().unwrap());
        let schema = schemas::named(operation.response.schema().unwrap()).unwrap();
        let expected = canonical::message(description(), schema.name, &example).unwrap();
        let found = (schema.round)(example.to_string().as_bytes());
        assert_eq!(found, Ok(expected), "{}", path.display());
        edit::everywhere(description(), &ty, example, &mut |_, value| {
            fields += value.as_object().map_or(0, serde_json::Map::len);
            value
        });
        examples += 1;
    }
    if !pages.is_empty() {
        assert_eq!(examples, 3);
        println!("{examples} examples, {fields} fields");
    }
}

/// The field lists of the pages name the fields and kinds of the types.
#[test]
fn the_field_lists_agree() {
    let pages = pages("comparing the field lists");
    let mut compared = 0;
    for (_, page) in &pages {
        let Some((operation, _)) = example(page) else {
            continue;
        };
        let body = operation.body.as_ref().unwrap().schema().unwrap();
        let (_, rest) = page.split_once("\nBody\n").unwrap();
        let (request, response) = rest.split_once("\nResponse\n").unwrap();
        for (schema, text) in [
            (body, request),
            (operation.response.schema().unwrap(), response),
        ] {
            let listed = listed(text);
            assert!(!listed.is_empty(), "{schema}");
            compared += listed.len();
            assert_fields(schema, listed);
        }
    }
    if !pages.is_empty() {
        println!("{compared} fields");
    }
}

/// Names and kinds in the field list of a page: a name on a line of its own, the kind on the next.
fn listed(text: &str) -> Vec<(&str, &str)> {
    let lines: Vec<_> = text.lines().collect();
    let pairs = lines.windows(2).filter_map(|pair| {
        let [name, kind] = pair else { return None };
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let kind = kind.strip_suffix(" | null").unwrap_or(kind);
        let kind = if kind.ends_with(" · object") {
            "object"
        } else {
            kind
        };
        let base = kind.strip_suffix("[]").unwrap_or(kind);
        let base = base.split('<').next().unwrap_or(base);
        let is_kind = ["string", "boolean", "object", "enum", "integer", "number"].contains(&base);
        (is_name && is_kind).then_some((*name, kind))
    });
    pairs.collect()
}

/// The schemas in the pages, read by our own reader, have the fields and types that ours have.
#[test]
fn the_schemas_agree_field_by_field() {
    const NO_OVERLAY: &str = "{overlay: 1.0.0, info: {title: none, version: '0'}}";
    let pages = pages("comparing the schemas");
    let mut fields = 0;
    let mut documents = 0;
    for (path, page) in &pages {
        let Some(document) = document(page) else {
            continue;
        };
        let theirs = c1_api_spec::load(document, NO_OVERLAY)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let [operation] = &theirs.operations[..] else {
            panic!("one operation in {}", path.display())
        };
        let seed = SEEDS.iter().find(|seed| seed.path == operation.path);
        let ours = self::operation(seed.expect(&operation.path).id);
        let parameters = |operation: &Operation| -> Vec<_> {
            let parameters = operation.path_parameters.iter();
            parameters
                .map(|parameter| (parameter.name.clone(), parameter.ty.clone()))
                .collect()
        };
        assert_eq!(operation.method, ours.method);
        assert_eq!(parameters(operation), parameters(ours));
        assert_eq!(
            (&operation.body, &operation.response),
            (&ours.body, &ours.response)
        );
        for (name, schema) in &theirs.schemas {
            match &schema.kind {
                SchemaKind::Message(message) => {
                    let kinds: Vec<_> = message
                        .fields
                        .iter()
                        .map(|(name, field)| (name.as_str(), kind(&theirs, &field.ty)))
                        .collect();
                    fields += kinds.len();
                    assert_fields(
                        name,
                        kinds.iter().map(|(name, kind)| (*name, kind.as_str())),
                    );
                }
                SchemaKind::Enum(values) => {
                    let ours = &description().schemas[name].kind;
                    assert_eq!(ours, &SchemaKind::Enum(values.clone()), "{name}");
                }
                SchemaKind::Pattern(pattern) => panic!("{name} has the pattern {pattern}"),
            }
        }
        documents += 1;
    }
    if !pages.is_empty() {
        assert_eq!(documents, 2);
        println!("{documents} documents, {fields} fields");
    }
}
