//! Names: from the vendor's camel case to the cases of Rust, acronyms and keywords included.

/// Splits a name into lower-case words.
///
/// Knows acronyms (`HTTPConnector` is `http`, `connector`), their plurals (`OwnerIDs` is `owner`,
/// `ids`) and digits (`A2UI` is one word, `oauth2Client` two). Other characters than ASCII letters and digits only separate
/// words.
fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let upper = |at: usize| chars.get(at).is_some_and(|c| c.is_uppercase());
    let lower = |at: usize| chars.get(at).is_some_and(|c| c.is_lowercase());
    let mut words = Vec::new();
    let mut word = String::new();
    for (at, &c) in chars.iter().enumerate() {
        if !c.is_ascii_alphanumeric() {
            words.push(std::mem::take(&mut word));
            continue;
        }
        let plural = upper(at) && chars.get(at + 1) == Some(&'s') && !lower(at + 2);
        let starts_word = c.is_uppercase()
            && at > 0
            && if upper(at - 1) {
                lower(at + 1) && !plural
            } else if chars[at - 1].is_numeric() {
                // `V2Set` and `oauth2Client` split behind the digit, `A2UI` does not.
                lower(at + 1)
                    || !word
                        .chars()
                        .next()
                        .is_some_and(|_| upper(at - word.chars().count()))
            } else {
                true
            };
        if starts_word {
            words.push(std::mem::take(&mut word));
        }
        word.extend(c.to_lowercase());
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// `snake_case`.
pub fn snake(name: &str) -> String {
    words(name).join("_")
}

/// `PascalCase`.
pub fn pascal(name: &str) -> String {
    words(name).iter().map(|word| capitalized(word)).collect()
}

/// A name as part of a type name: as it is, with a capital first letter.
pub(crate) fn capitalized(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

/// A name in a path parameter or field position: `snake_case`, raw where it is a keyword.
pub fn identifier(name: &str) -> String {
    raw(&field(name))
}

/// The name of a field, before it is made raw: `snake_case`, and valid whatever the name.
pub fn field(name: &str) -> String {
    let name = snake(name);
    match name.as_str() {
        "" => "value".to_owned(),
        // The first three cannot be raw identifiers.
        "self" | "super" | "crate" | UNKNOWN_FIELDS => name + "_",
        _ if name.starts_with(|c: char| c.is_ascii_digit()) => format!("_{name}"),
        _ => name,
    }
}

/// The field of messages that has the fields which the description does not know.
pub(crate) const UNKNOWN_FIELDS: &str = "unknown_fields";

/// A name that is valid but for being a keyword, as an identifier.
pub(crate) fn raw(name: &str) -> String {
    if KEYWORDS.contains(&name) {
        format!("r#{name}")
    } else {
        name.to_owned()
    }
}

/// The variant that holds a value newer than the description.
pub(crate) const UNRECOGNIZED: &str = "Unrecognized";

/// The name of a variant: `PascalCase`, and valid whatever the name. What has no ASCII letter or digit is spelled by the code
/// points of its characters.
pub fn variant(name: &str) -> String {
    let mut variant = pascal(name);
    if variant.is_empty() {
        let spelled = name.chars().map(|c| format!("U{:04x}", u32::from(c)));
        variant = spelled.collect::<Vec<_>>().concat();
    }
    match variant.as_str() {
        "" => "Value".to_owned(),
        // A keyword, and our own variant.
        "Self" | UNRECOGNIZED => variant + "Value",
        _ if variant.starts_with(|c: char| c.is_ascii_digit()) => format!("_{variant}"),
        _ => variant,
    }
}

/// The name of a type: as it is where it can be one, else in `PascalCase`, and valid whatever the name.
pub(crate) fn type_name(name: &str) -> String {
    let is_type = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.chars().all(|c| c.is_ascii_alphanumeric())
    };
    if is_type(name) {
        return name.to_owned();
    }
    let name = pascal(name);
    if is_type(&name) {
        name
    } else {
        format!("Schema{name}")
    }
}

/// Whether a name can be given to anything in Rust, as it is or as a raw identifier.
pub(crate) fn is_rust(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !matches!(name, "_" | "self" | "Self" | "super" | "crate")
}

/// The first candidate that is free; where none is, the last one with the lowest number behind it that is.
pub(crate) fn free(
    candidates: impl IntoIterator<Item = String>,
    is_taken: impl Fn(&str) -> bool,
) -> String {
    let mut last = String::new();
    for candidate in candidates {
        if !is_taken(&candidate) {
            return candidate;
        }
        last = candidate;
    }
    let between = if last.starts_with(|c: char| c.is_ascii_lowercase()) {
        "_"
    } else {
        ""
    };
    let mut number = 2_usize;
    loop {
        let candidate = format!("{last}{between}{number}");
        if !is_taken(&candidate) {
            return candidate;
        }
        number += 1;
    }
}

/// Whether generated code means the standard library by that name, or cannot have it as that of a type.
///
/// A type that the description calls so gets a longer name; absolute paths everywhere would let it have this one, and spoil
/// the generated code for every reader and the prelude for everyone who imports all types.
pub(crate) fn is_prelude(name: &str) -> bool {
    PRELUDE.contains(&name)
}

const PRELUDE: &[&str] = &[
    "Box",
    "Default",
    "Err",
    "From",
    "Into",
    "IntoIterator",
    "None",
    "Ok",
    "Option",
    "Result",
    "Self",
    "Some",
    "String",
    "Vec",
];

/// What the files of the groups import from the root of c1-api.
const IMPORTS: &[&str] = &["BoxFuture", "Client", "Error", "ResponseValue"];

/// Whether a file of a group means something else by that name of a type.
pub(crate) fn is_used_by_groups(name: &str) -> bool {
    is_prelude(name) || IMPORTS.contains(&name)
}

/// The name of a group: in `snake_case`, and with `_group` behind it where it cannot be a cargo feature, a module and a
/// method of the client.
pub fn group(name: &str) -> String {
    let name = snake(name);
    if NOT_GROUPS.contains(&name.as_str()) || is_used_by_groups(&pascal(&name)) {
        name + "_group"
    } else {
        name
    }
}

/// What groups cannot be called, a line for each kind.
#[rustfmt::skip]
const NOT_GROUPS: &[&str] = &[
    // Features of c1-api and c1-api-ext.
    "axum", "compression", "core", "default", "device", "es256", "federation", "full", "gzip", "record", "rustls",
    "unknown_fields",
    // Modules and crates at the root of c1-api.
    "base_url", "body", "c1_api", "call", "chrono", "client", "decode", "description", "direct", "error", "future", "hook",
    "json_request", "operation",
    "options", "page", "path", "present", "progenitor_client", "raw", "related", "request", "reqwest", "serde_json", "testing", "transport", "types", "update", "wire",
    // Methods of the clients of the two crates.
    "builder", "checked_call", "clone", "dispatch", "dry_run", "from_env", "from_vars", "http", "map_transport", "new",
    "options_mut", "raw_call", "read_only", "tenant", "with_options", "with_retry",
    // The `version` of this group would be progenitor's `api_version`.
    "api",
];

/// Strict and reserved keywords of edition 2024 that can be raw identifiers.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield",
];

#[cfg(test)]
mod tests {
    use super::{identifier, pascal, snake};

    #[test]
    fn snake_case() {
        for (name, expected) in [
            ("AppEntitlements", "app_entitlements"),
            ("AppOwnersV2", "app_owners_v2"),
            ("ListOwnerIDs", "list_owner_ids"),
            ("AWSExternalIDSettings", "aws_external_id_settings"),
            (
                "GetConnectorSyncDownloadURL",
                "get_connector_sync_download_url",
            ),
            (
                "ValidateHTTPConnectorConfig",
                "validate_http_connector_config",
            ),
            ("DiscoverOIDCEndpoints", "discover_oidc_endpoints"),
            ("TestSourceIP", "test_source_ip"),
            ("A2UI", "a2ui"),
            ("A2UISurface", "a2ui_surface"),
            ("oauth2ClientId", "oauth2_client_id"),
            ("appId", "app_id"),
            ("src_app_id", "src_app_id"),
            (
                "ListAllEntitlementIdsPerApp",
                "list_all_entitlement_ids_per_app",
            ),
            ("MCPAccessProfile", "mcp_access_profile"),
            ("@type", "type"),
            ("AppEntitlementAutomation", "app_entitlement_automation"),
        ] {
            assert_eq!(snake(name), expected);
        }
    }

    #[test]
    fn snake_case_is_stable() {
        for name in [
            "app_owners_v2",
            "a2ui",
            "list_owner_ids",
            "oauth2_client_id",
            "x86_64",
        ] {
            assert_eq!(snake(name), name);
        }
    }

    #[test]
    fn keywords_become_usable() {
        assert_eq!(identifier("type"), "r#type");
        assert_eq!(identifier("self"), "self_");
        assert_eq!(identifier("in"), "r#in");
        assert_eq!(identifier("2fa"), "_2fa");
        assert_eq!(identifier("appId"), "app_id");
    }

    #[test]
    fn pascal_case() {
        assert_eq!(pascal("APP_USER_STATUS"), "AppUserStatus");
        assert_eq!(pascal("app_owners_v2"), "AppOwnersV2");
    }
}
