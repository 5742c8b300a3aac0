//! The edits that make a second document of the first one, each with the verdict that is expected of it.
//!
//! They name operations and schemas of the description that is checked in. After an import that removed one, the edit fails
//! with its JSON pointer, and has to name another.

use serde_json::{Map, Value, json};

/// The groups of the first document: few, with bodies that are empty, path structs, enums and oneofs among them.
pub(crate) const GROUPS: &[&str] = &[
    "app_entitlements_proxy",
    "app_report",
    "app_resource_type",
    "vault",
];

/// What a report says of a document at worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Compatible,
    BreaksRaw,
    Breaks,
}

/// One edit of the document.
pub(crate) struct Edit {
    pub(crate) name: &'static str,
    /// The verdict on the edited document as the successor of the first one.
    pub(crate) there: Verdict,
    /// The verdict on the first document as the successor of the edited one.
    pub(crate) back: Verdict,
    pub(crate) apply: fn(&mut Value) -> Result<(), String>,
}

const fn edit(
    name: &'static str,
    there: Verdict,
    back: Verdict,
    apply: fn(&mut Value) -> Result<(), String>,
) -> Edit {
    Edit {
        name,
        there,
        back,
        apply,
    }
}

use Verdict::{Breaks, BreaksRaw, Compatible};

/// All edits.
pub(crate) const EDITS: &[Edit] = &[
    edit("field-removed", Breaks, Compatible, |document| {
        remove(fields(document, "Vault")?, "description")
    }),
    edit("required-field-added", Breaks, Breaks, |document| {
        let create = schema(document, "VaultServiceCreateRequest")?;
        insert(
            member(create, "properties")?,
            "tier",
            json!({ "type": "string" }),
        )?;
        push(member(create, "required")?, json!("tier"))
    }),
    edit("field-newly-required", Breaks, Breaks, |document| {
        let create = schema(document, "VaultServiceCreateRequest")?;
        push(member(create, "required")?, json!("description"))
    }),
    edit("field-first-required", Breaks, Breaks, |document| {
        insert(
            schema(document, "MagicVault")?,
            "required",
            json!(["allowedViews"]),
        )
    }),
    edit("field-retyped", Breaks, Breaks, |document| {
        let field = member(fields(document, "MagicVault")?, "allowedViews")?;
        *field = json!({ "type": "string" });
        Ok(())
    }),
    edit("field-becomes-a-list", Breaks, Breaks, |document| {
        let field = member(fields(document, "AppEntitlementProxy")?, "dstAppId")?;
        *field = json!({ "type": "array", "items": { "type": "string" } });
        Ok(())
    }),
    edit("field-gets-a-pattern", Breaks, Breaks, |document| {
        insert(
            schemas(document)?,
            "ReportUrl",
            json!({ "type": "string", "pattern": "^https" }),
        )?;
        let field = member(fields(document, "AppPopulationReport")?, "downloadUrl")?;
        *field = reference("ReportUrl");
        Ok(())
    }),
    edit("field-becomes-read-only", Breaks, Compatible, |document| {
        let field = member(fields(document, "Vault")?, "displayName")?;
        insert(field, "readOnly", json!(true))
    }),
    edit("field-may-be-null", Compatible, Compatible, |document| {
        let field = member(fields(document, "Vault")?, "displayName")?;
        insert(field, "type", json!(["string", "null"]))
    }),
    edit("field-becomes-secret", Compatible, Compatible, |document| {
        let field = member(fields(document, "Vault")?, "description")?;
        insert(field, "x-sensitive", json!(true))
    }),
    edit(
        "field-goes-away-some-day",
        Compatible,
        Compatible,
        |document| {
            let field = member(fields(document, "Vault")?, "description")?;
            insert(field, "deprecated", json!(true))?;
            insert(field, "x-sunset", json!("2030-01-01"))
        },
    ),
    edit("required-fields-trade-places", Breaks, Breaks, |document| {
        let create = fields(document, "CreateManuallyManagedResourceTypeRequest")?;
        let first = member(create, "displayName")?.clone();
        remove(create, "displayName")?;
        insert(create, "displayName", first)
    }),
    edit("message-gets-a-cycle", Breaks, Breaks, |document| {
        insert(
            fields(document, "MagicVault")?,
            "parent",
            reference("Vault"),
        )
    }),
    edit(
        "message-is-no-longer-sent",
        Breaks,
        Compatible,
        |document| remove(fields(document, "VaultServiceUpdateRequest")?, "vault"),
    ),
    edit("message-renamed", Compatible, Compatible, |document| {
        let vault = schema(document, "MagicVault")?.clone();
        remove(schemas(document)?, "MagicVault")?;
        insert(schemas(document)?, "MagicSafe", vault)?;
        refer(document, "MagicVault", "MagicSafe");
        Ok(())
    }),
    edit("oneof-loses-a-member", Breaks, Compatible, |document| {
        for name in ["Vault", "VaultServiceCreateRequest"] {
            remove(fields(document, name)?, "magicVault")?;
            *member(member(schema(document, name)?, "x-oneofs")?, "vault")? =
                json!(["groupAuthzVault"]);
        }
        Ok(())
    }),
    edit("field-leaves-a-oneof", Breaks, Compatible, |document| {
        *member(member(schema(document, "Vault")?, "x-oneofs")?, "vault")? =
            json!(["groupAuthzVault"]);
        Ok(())
    }),
    edit("oneof-removed", Breaks, Compatible, |document| {
        remove(schema(document, "Vault")?, "x-oneofs")
    }),
    edit("enum-value-added", Compatible, Breaks, |document| {
        push(
            member(schema(document, "ReportState")?, "enum")?,
            json!("REPORT_STATE_LATE"),
        )
    }),
    edit(
        "enum-value-without-the-prefix",
        Compatible,
        Breaks,
        |document| {
            push(
                member(schema(document, "ReportState")?, "enum")?,
                json!("LATE"),
            )
        },
    ),
    edit("operation-removed", Breaks, Compatible, |document| {
        remove(path(document, "/api/v1/vaults/{id}")?, "delete")
    }),
    edit("group-removed", Breaks, Compatible, |document| {
        remove(member(document, "paths")?, "/api/v1/apps/{app_id}/report")
    }),
    edit("operation-renamed", Compatible, Compatible, |document| {
        let get = member(path(document, "/api/v1/vaults/{id}")?, "get")?;
        insert(get, "operationId", json!("vault.read"))
    }),
    edit("operation-moved", Compatible, Compatible, |document| {
        let paths = member(document, "paths")?;
        let item = member(paths, "/api/v1/vaults/{id}")?.clone();
        remove(paths, "/api/v1/vaults/{id}")?;
        insert(paths, "/api/v2/vaults/{id}", item)
    }),
    edit("operation-deprecated", Compatible, Compatible, |document| {
        let get = member(path(document, "/api/v1/vaults/{id}")?, "get")?;
        insert(get, "deprecated", json!(true))
    }),
    edit("page-has-another-list", Compatible, Breaks, |document| {
        let others = json!({ "type": "array", "items": { "type": "string" } });
        insert(
            fields(document, "AppReportServiceListResponse")?,
            "others",
            others,
        )?;
        let list = member(path(document, "/api/v1/apps/{app_id}/report")?, "get")?;
        insert(member(list, "x-page")?, "items", json!("others"))
    }),
    edit("response-changed", Breaks, Breaks, |document| {
        let get = member(path(document, "/api/v1/vaults/{id}")?, "get")?;
        let content = member(member(member(get, "responses")?, "200")?, "content")?;
        *member(member(content, "application/json")?, "schema")? = reference("Vault");
        Ok(())
    }),
    edit("body-removed", Breaks, Breaks, |document| {
        remove(
            member(path(document, "/api/v1/vaults/{id}")?, "post")?,
            "requestBody",
        )
    }),
    edit("body-gains-its-first-field", Breaks, Breaks, |document| {
        let delete = schema(document, "VaultServiceDeleteRequest")?;
        insert(
            delete,
            "properties",
            json!({ "force": { "type": "boolean" } }),
        )
    }),
    edit("query-parameter-added", BreaksRaw, Breaks, |document| {
        let list = member(path(document, "/api/v1/apps/{app_id}/report")?, "get")?;
        let state = json!({ "name": "state", "in": "query", "schema": reference("ReportState") });
        push(member(list, "parameters")?, state)
    }),
    edit("query-parameter-retyped", Breaks, Breaks, |document| {
        let list = member(path(document, "/api/v1/apps/{app_id}/report")?, "get")?;
        for parameter in member(list, "parameters")?
            .as_array_mut()
            .into_iter()
            .flatten()
        {
            if parameter["name"] == "page_token" {
                parameter["schema"] = json!({ "type": "string", "format": "int64" });
                return Ok(());
            }
        }
        Err("no parameter page_token".to_owned())
    }),
    edit("path-parameter-added", Breaks, Breaks, |document| {
        repath(
            document,
            "/api/v1/vaults/{id}",
            "/api/v1/zones/{zone}/vaults/{id}",
            "zone",
        )
    }),
    edit(
        "third-path-parameter-in-a-row",
        Breaks,
        Breaks,
        |document| {
            let to = "/api/v1/apps/{app_id}/resource_types/{id}/of/{owner_id}";
            repath(
                document,
                "/api/v1/apps/{app_id}/resource_types/{id}",
                to,
                "owner_id",
            )
        },
    ),
    edit(
        "fifth-path-parameter-in-a-row",
        Breaks,
        Breaks,
        |document| {
            let from = "/api/v1/apps/{src_app_id}/{src_app_entitlement_id}/bindings/{dst_app_id}/{dst_app_entitlement_id}";
            repath(document, from, &format!("{from}/{{kind}}"), "kind")
        },
    ),
    edit("path-parameters-trade-places", Breaks, Breaks, |document| {
        let paths = member(document, "paths")?;
        let from = "/api/v1/apps/{app_id}/resource_types/{id}";
        let item = member(paths, from)?.clone();
        remove(paths, from)?;
        insert(paths, "/api/v1/resource_types/{id}/apps/{app_id}", item)
    }),
];

/// Moves a path item to a path with one more parameter.
fn repath(document: &mut Value, from: &str, to: &str, name: &str) -> Result<(), String> {
    let paths = member(document, "paths")?;
    let mut item = member(paths, from)?.clone();
    remove(paths, from)?;
    for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
        let parameter =
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } });
        push(member(operation, "parameters")?, parameter)?;
    }
    insert(paths, to, item)
}

/// Lets every reference to a schema lead to another one.
fn refer(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                if key == "$ref" && *value == reference(from)["$ref"] {
                    *value = reference(to)["$ref"].clone();
                } else {
                    refer(value, from, to);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| refer(value, from, to)),
        _ => {}
    }
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn path<'a>(document: &'a mut Value, path: &str) -> Result<&'a mut Value, String> {
    member(member(document, "paths")?, path)
}

fn schemas(document: &mut Value) -> Result<&mut Value, String> {
    member(member(document, "components")?, "schemas")
}

fn schema<'a>(document: &'a mut Value, name: &str) -> Result<&'a mut Value, String> {
    member(schemas(document)?, name)
}

fn fields<'a>(document: &'a mut Value, name: &str) -> Result<&'a mut Value, String> {
    member(schema(document, name)?, "properties")
}

fn member<'a>(value: &'a mut Value, key: &str) -> Result<&'a mut Value, String> {
    value.get_mut(key).ok_or_else(|| {
        format!("the description has no {key:?} there; the edit has to name another")
    })
}

fn insert(value: &mut Value, key: &str, member: Value) -> Result<(), String> {
    let members = value
        .as_object_mut()
        .ok_or_else(|| format!("no object to insert {key:?} into"))?;
    members.insert(key.to_owned(), member);
    Ok(())
}

fn remove(value: &mut Value, key: &str) -> Result<(), String> {
    let members = value.as_object_mut();
    let removed = members.and_then(|members| members.shift_remove(key));
    removed.map(drop).ok_or_else(|| {
        format!("the description has no {key:?} there; the edit has to name another")
    })
}

fn push(value: &mut Value, element: Value) -> Result<(), String> {
    value
        .as_array_mut()
        .ok_or_else(|| format!("no list to add {element} to"))?
        .push(element);
    Ok(())
}
