//! A sentence of English for each operation, from its name and its path: `apps.list` "Lists apps.",
//! `app_entitlements.list` "Lists the entitlements of an app."
//!
//! A name is a verb and what it handles; where it says only the verb, the group says the rest. The path says of what that
//! is a part.

use crate::model::{Operation, Safety};
use crate::names::capitalized;

/// The first words of names that are verbs, of those that are known.
const VERBS: &[&str] = &[
    "activate",
    "add",
    "approve",
    "assign",
    "cancel",
    "clear",
    "close",
    "comment",
    "confirm",
    "count",
    "create",
    "delete",
    "deny",
    "discover",
    "ensure",
    "escalate",
    "execute",
    "find",
    "force",
    "generate",
    "get",
    "introspect",
    "invoke",
    "list",
    "mint",
    "parse",
    "pause",
    "process",
    "promote",
    "reassign",
    "register",
    "remove",
    "reorder",
    "reset",
    "resolve",
    "restart",
    "resume",
    "resync",
    "retry",
    "revoke",
    "rollback",
    "rotate",
    "run",
    "save",
    "search",
    "set",
    "skip",
    "submit",
    "terminate",
    "test",
    "trigger",
    "unassign",
    "update",
    "validate",
];

/// Words in front of a verb, and what they say of it.
const ADVERBS: &[(&str, &str)] = &[
    ("batch", " in one request"),
    ("bulk", " in one request"),
    ("hard", ", from the start"),
];

/// What groups are called besides the thing that they handle.
const SUFFIXES: &[&str] = &["action", "actions", "management", "search", "service", "v2"];

/// Words that begin what is said about the thing, and whether a thing follows that needs an article.
const PREPOSITIONS: &[(&str, bool)] = &[
    ("as", true),
    ("by", false),
    ("for", true),
    ("from", true),
    ("in", false),
    ("of", true),
    ("on", true),
    ("per", false),
    ("to", true),
    ("with", true),
    ("without", true),
];

/// Words that are written otherwise than a name has them.
const ACRONYMS: &[&str] = &[
    "a2ui", "ai", "api", "aws", "cel", "dpop", "http", "iam", "id", "ip", "jwt", "llm", "mcp",
    "oidc", "saml", "scim", "ssf", "sso", "ui", "url", "xaa",
];

/// Nouns without a plural, which take "the".
const MASS: &[&str] = &[
    "access",
    "audit",
    "content",
    "data",
    "expired",
    "feedback",
    "governance",
    "graph",
    "history",
    "metadata",
    "ownership",
    "provenance",
    "state",
    "usage",
    "valid",
];

/// A group as the title of its documentation: `app_owners_v2` is "App owners v2".
pub(super) fn title(group: &str) -> String {
    capitalized(&spoken(
        &group.split('_').map(str::to_owned).collect::<Vec<_>>(),
    ))
}

/// What the operation does.
pub(super) fn sentence(operation: &Operation) -> String {
    let name = operation.vendor_name.as_ref().unwrap_or(&operation.name);
    let mut words: Vec<String> = name.split('_').map(str::to_owned).collect();
    let mut adverb = "";
    if let Some((_, said)) = ADVERBS.iter().find(|(word, _)| *word == words[0])
        && words.len() > 1
    {
        words.remove(0);
        adverb = said;
    }
    let verb = if VERBS.contains(&words[0].as_str()) {
        words.remove(0)
    } else if operation.safety == Safety::Safe {
        "get".to_owned()
    } else {
        "run".to_owned()
    };
    let split = words.iter().position(|word| preposition(word).is_some());
    let tail = words.split_off(split.unwrap_or(words.len()));
    let mut parents = stems(&operation.path);
    let mut noun = words;
    if noun.is_empty() {
        noun = operation.group.split('_').map(str::to_owned).collect();
        while noun.len() > 1
            && noun
                .last()
                .is_some_and(|word| SUFFIXES.contains(&word.as_str()))
        {
            noun.pop();
        }
        let last = noun.len() - 1;
        if matches!(&*verb, "list" | "search") {
            noun[last] = plural(&noun[last]);
        } else if verb == "create"
            || operation.path.ends_with('}')
            || is_known(&parents, &noun[last])
        {
            noun[last] = singular(&noun[last]);
        }
    }
    // An id at the end is that of the thing itself, and elsewhere the last one often is, too.
    if operation.path.ends_with('}') && !matches!(&*verb, "list" | "search") {
        parents.pop();
    }
    let last = singular(noun.last().map_or("", String::as_str));
    parents.retain(|stem| {
        let owner = stem.last().map_or("", String::as_str);
        !owner.is_empty() && owner != last && !tail.iter().any(|word| singular(word) == owner)
    });
    let parent = parents.pop();
    if let Some(parent) = &parent
        && noun.len() > parent.len()
        && noun.starts_with(parent)
    {
        noun.drain(..parent.len());
    }

    let mut text = format!(
        "{} {}",
        conjugated(&verb),
        thing(
            &noun,
            parent.is_some() || !matches!(&*verb, "list" | "search")
        )
    );
    if let Some((first, rest)) = tail.split_first() {
        let rest = match preposition(first) {
            Some(true) => thing(rest, false),
            _ => spoken(rest),
        };
        text.extend([" ", first, " ", &rest]);
    }
    if let Some(parent) = parent {
        let link = match &*verb {
            "add" | "assign" => "to",
            "remove" | "unassign" => "from",
            _ => "of",
        };
        text.extend([" ", link, " ", &thing(&parent, false)]);
    }
    capitalized(text.trim_end()) + adverb + "."
}

/// Whether the path holds the id of such a thing.
fn is_known(stems: &[Vec<String>], noun: &str) -> bool {
    stems
        .iter()
        .any(|stem| stem.last() == Some(&singular(noun)))
}

/// The things whose ids are in the path. A parameter that is called `id` is called after the segment in front of it. Those
/// that refer to something elsewhere say nothing of where the operation is, and are empty.
fn stems(path: &str) -> Vec<Vec<String>> {
    let mut stems = Vec::new();
    let mut before = "";
    for segment in path.split('/') {
        if let Some(name) = segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
        {
            let stem = match name {
                "id" => before,
                name => name.strip_suffix("_id").unwrap_or(""),
            };
            let mut words: Vec<_> = stem.split(['_', '-']).map(str::to_owned).collect();
            if words
                .iter()
                .any(|word| matches!(&**word, "" | "ref" | "src" | "dst" | "slug"))
            {
                words.clear();
            }
            if let Some(last) = words.last_mut() {
                *last = singular(last);
            }
            stems.push(words);
        } else {
            before = segment;
        }
    }
    stems
}

fn preposition(word: &str) -> Option<bool> {
    PREPOSITIONS
        .iter()
        .find(|(known, _)| *known == word)
        .map(|(_, has_article)| *has_article)
}

/// A noun with its article: many have "the" where it is known which.
fn thing(noun: &[String], is_definite: bool) -> String {
    let (Some(first), Some(last)) = (noun.first(), noun.last()) else {
        return String::new();
    };
    let spoken = spoken(noun);
    if first == "all" {
        spoken
    } else if is_plural(last) || MASS.contains(&last.as_str()) {
        if is_definite {
            format!("the {spoken}")
        } else {
            spoken
        }
    } else {
        let is_acronym = ACRONYMS.contains(&first.as_str());
        let begins = |letters: &str| first.starts_with(|c| letters.contains(c));
        let an = if is_acronym {
            begins("aefhilmnorsx") && first != "saml" && first != "scim"
        } else {
            begins("aeio") || first.starts_with("un") && !first.starts_with("uni")
        };
        format!("{} {spoken}", if an { "an" } else { "a" })
    }
}

/// Words with acronyms in capitals.
fn spoken(words: &[String]) -> String {
    let words = words.iter().map(|word| {
        let one = word.strip_suffix('s').unwrap_or(word);
        if ACRONYMS.contains(&word.as_str()) {
            word.to_uppercase()
        } else if ACRONYMS.contains(&one) {
            one.to_uppercase() + "s"
        } else {
            word.clone()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn is_plural(word: &str) -> bool {
    word.ends_with('s')
        && !["ss", "us", "is", "aws"]
            .iter()
            .any(|end| word.ends_with(end))
}

fn singular(word: &str) -> String {
    if !is_plural(word) {
        word.to_owned()
    } else if let Some(stem) = word.strip_suffix("ies") {
        format!("{stem}y")
    } else if ["sses", "xes", "ches", "shes"]
        .iter()
        .any(|end| word.ends_with(end))
    {
        word[..word.len() - 2].to_owned()
    } else {
        word[..word.len() - 1].to_owned()
    }
}

fn plural(word: &str) -> String {
    if is_plural(word) || MASS.contains(&word) {
        word.to_owned()
    } else {
        conjugated(word)
    }
}

/// The third person of a verb, which is formed as the plural of a noun is.
fn conjugated(verb: &str) -> String {
    match verb.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        _ if ["s", "x", "z", "ch", "sh"]
            .iter()
            .any(|end| verb.ends_with(end)) =>
        {
            format!("{verb}es")
        }
        _ if verb == "rollback" => "rolls back".to_owned(),
        _ => format!("{verb}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::sentence;
    use crate::model::{Method, Operation, Safety};

    fn said(id: &str, path: &str) -> String {
        let (group, name) = id.split_once('.').unwrap();
        sentence(&Operation {
            group: group.to_owned(),
            name: name.to_owned(),
            vendor_name: None,
            rpc: None,
            method: Method::Get,
            safety: Safety::Safe,
            path: path.to_owned(),
            path_parameters: Vec::new(),
            query_parameters: Vec::new(),
            body: None,
            response: String::new(),
            page: None,
            stability: None,
            deprecated: false,
            doc: None,
        })
    }

    #[test]
    fn sentences() {
        for (id, path, expected) in [
            ("apps.list", "/apps", "Lists apps."),
            ("apps.get", "/apps/{id}", "Gets an app."),
            (
                "app_entitlements.list",
                "/apps/{app_id}/entitlements",
                "Lists the entitlements of an app.",
            ),
            (
                "app_entitlements.get",
                "/apps/{app_id}/entitlements/{id}",
                "Gets an entitlement of an app.",
            ),
            ("app_search.search", "/search/apps", "Searches apps."),
            (
                "app_owners.set",
                "/apps/{app_id}/owners",
                "Sets the owners of an app.",
            ),
            (
                "app_owners.add",
                "/apps/{app_id}/owners/{user_id}",
                "Adds an owner to an app.",
            ),
            (
                "task_actions.deny",
                "/tasks/{task_id}/action/deny",
                "Denies a task.",
            ),
            (
                "mcp_tool.list_history",
                "/mcp_tools/{id}/history",
                "Lists the history of an MCP tool.",
            ),
            (
                "ai_governance_settings.update",
                "/settings",
                "Updates the AI governance settings.",
            ),
            (
                "connector_catalog.configuration_schema",
                "/catalog",
                "Gets a configuration schema.",
            ),
            ("x.list_owner_ids_per_app", "/x", "Lists owner IDs per app."),
            (
                "finding.bulk_create_tasks",
                "/x",
                "Creates the tasks in one request.",
            ),
        ] {
            assert_eq!(said(id, path), expected, "{id}");
        }
    }
}
