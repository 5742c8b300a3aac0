//! Words of names, which the conventions of the description are made of.

use c1_api_spec::names::snake;

/// The words of a name in lower case: those of `appEntitlementIds` are `app`, `entitlement`, `ids`.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut start, mut upper) = (0, false);
    for (at, c) in name.char_indices() {
        // Acronyms need more care.
        if upper && c.is_uppercase() {
            return snake(name).split('_').map(str::to_owned).collect();
        }
        upper = c.is_uppercase();
        if (upper || c == '_') && at > start {
            words.push(name[start..at].to_lowercase());
        }
        if upper || c == '_' {
            start = at + usize::from(c == '_');
        }
    }
    words.push(name[start..].to_lowercase());
    words
}

/// The words as the name of a field.
pub(super) fn camel<S: AsRef<str>>(words: &[S]) -> String {
    let mut name = String::new();
    for word in words {
        let mut chars = word.as_ref().chars();
        let first = chars.next().filter(|_| !name.is_empty());
        match first {
            Some(first) => {
                name.extend(first.to_uppercase());
                name.push_str(chars.as_str());
            }
            None => name.push_str(word.as_ref()),
        }
    }
    name
}

/// The singular of a word or name in the plural.
pub(super) fn singular(plural: &str) -> String {
    for (ending, one) in [("ies", "y"), ("sses", "ss"), ("uses", "us"), ("s", "")] {
        if let Some(stem) = plural.strip_suffix(ending)
            && !stem.is_empty()
            && !stem.ends_with('s')
        {
            return format!("{stem}{one}");
        }
    }
    plural.to_owned()
}

/// Whether the name of a field is made of the words, or ends with them.
///
/// Without splitting the name, because all fields of all lists are asked.
pub(super) fn ends_with<S: AsRef<str>>(field: &str, suffix: &[S]) -> bool {
    let suffix = camel(suffix);
    let Some(start) = field.len().checked_sub(suffix.len()) else {
        return false;
    };
    let (head, tail) = (field.get(..start), field.get(start..));
    let (Some(head), Some(tail)) = (head, tail) else {
        return false;
    };
    match (tail.chars().next(), suffix.chars().next()) {
        (Some(found), Some(first)) if !head.is_empty() => {
            found == first.to_ascii_uppercase()
                && tail.get(found.len_utf8()..) == suffix.get(first.len_utf8()..)
        }
        _ => tail == suffix,
    }
}

#[cfg(test)]
mod tests {
    use super::{camel, ends_with, singular, words};

    #[test]
    fn names_are_split_and_joined() {
        assert_eq!(words("appEntitlementIds"), ["app", "entitlement", "ids"]);
        assert_eq!(words("xaa_scope_id"), ["xaa", "scope", "id"]);
        assert_eq!(words("SSOApplication"), ["sso", "application"]);
        assert_eq!(words("AppUser"), ["app", "user"]);
        assert_eq!(camel(&["app", "entitlement", "id"]), "appEntitlementId");
        assert!(ends_with("appResourceId", &["resource", "id"]));
        assert!(ends_with("resourceId", &["resource", "id"]));
        assert!(!ends_with("id", &["resource", "id"]));
        assert!(!ends_with("valid", &["id"]));
    }

    #[test]
    fn plurals_have_a_singular() {
        for (plural, one) in [
            ("apps", "app"),
            ("policies", "policy"),
            ("statuses", "status"),
            ("access", "access"),
            ("userIds", "userId"),
            ("s", "s"),
        ] {
            assert_eq!(singular(plural), one);
        }
    }
}
