//! The feature tables: in the manifests of c1-api, c1-api-ext and c1-api-httpmock, one feature a group, `core` and
//! `full`; in the documentation of c1-api-ext, what each of them brings.

use std::error::Error;
use std::fmt::Write as _;
use std::{fs, io};

use c1_api_spec::names::identifier;
use c1_api_spec::{CORE, Description};

use crate::{description, root};

const BEGIN: &str =
    "# The lines from here to the end of the table are written by `cargo xtask features`.\n";
const END: &str = "# End of the table.\n";

/// Writes all tables.
pub(crate) fn write(out: &mut dyn io::Write) -> Result<(), Box<dyn Error>> {
    let description = description()?;
    if let Some(warning) = warning(&description) {
        writeln!(out, "{warning}")?;
    }
    for (file, text) in tables(&description)? {
        fs::write(root().join(file), text)?;
        writeln!(out, "wrote {file}")?;
    }
    Ok(())
}

/// Fails when a table is not what [`write()`] would make of the description.
pub(crate) fn check(description: &Description) -> Result<(), Box<dyn Error>> {
    for (file, text) in tables(description)? {
        if fs::read_to_string(root().join(file))? != text {
            return Err(
                format!("{file}: the feature table is stale; run `cargo xtask features`").into(),
            );
        }
    }
    Ok(())
}

/// What to tell of groups that `core` leaves out, because the description lacks them.
pub(crate) fn warning(description: &Description) -> Option<String> {
    let groups = description.groups();
    let missing: Vec<_> = CORE
        .iter()
        .filter(|group| !groups.contains(*group))
        .map(|group| format!("`{group}`"))
        .collect();
    (!missing.is_empty()).then(|| {
        format!(
            "warning: `core` leaves out groups without operations: {}",
            missing.join(", ")
        )
    })
}

/// The groups whose features bring code of c1-api-ext.
const WITH_CODE: &[&str] = &[
    "automation_execution",
    "connector",
    "personal_client",
    "system_log",
    "task",
];

/// The files with fresh tables.
fn tables(description: &Description) -> Result<Vec<(&'static str, String)>, Box<dyn Error>> {
    let groups = description.groups();
    let mut api = String::from("default = [\"core\"]\ncore = [\n");
    // By name as well, for what asks for single groups, such as the quickstart. Not those that bring code: a description of
    // the user's own may lack what it needs.
    let mut ext = String::from("core = [\n    \"c1-api/core\",\n");
    let mut mocks = String::from("default = [\"core\"]\ncore = [\n    \"c1-api/core\",\n");
    for group in CORE.iter().filter(|group| groups.contains(*group)) {
        writeln!(api, "    \"{group}\",")?;
        writeln!(mocks, "    \"{group}\",")?;
        if !WITH_CODE.contains(group) {
            writeln!(ext, "    \"{group}\",")?;
        }
    }
    api.push_str("]\nfull = []\n");
    mocks.push_str("]\nfull = [\"c1-api/full\"]\n");
    ext.push_str("]\nfull = [\"c1-api/full\"");
    for group in WITH_CODE.iter().filter(|group| groups.contains(*group)) {
        write!(ext, ", {group:?}")?;
    }
    ext.push_str("]\n");
    for group in groups {
        writeln!(api, "{group} = []")?;
        for table in [&mut ext, &mut mocks] {
            writeln!(table, "{group} = [\"c1-api/{group}\"]")?;
        }
    }
    let mut files = vec![("c1-api-ext/src/features.md", page(description)?)];
    for (manifest, table) in [
        ("c1-api/Cargo.toml", api),
        ("c1-api-ext/Cargo.toml", ext),
        ("c1-api-httpmock/Cargo.toml", mocks),
    ] {
        files.push((manifest, replace(manifest, &table)?));
    }
    Ok(files)
}

/// The page in the documentation: what each feature makes callable.
fn page(description: &Description) -> Result<String, Box<dyn Error>> {
    let mut page = String::from(
        "<!-- Written by `cargo xtask features`. -->\n\n\
         | feature | accessor | operations |\n| --- | --- | --- |\n",
    );
    for group in description.groups() {
        let operations: Vec<_> = description
            .operations
            .iter()
            .filter(|operation| operation.group == group)
            .map(|operation| format!("`{}`", identifier(&operation.name)))
            .collect();
        let core = if CORE.contains(&group) {
            " (`core`)"
        } else {
            ""
        };
        let accessor = identifier(group);
        writeln!(
            page,
            "| `{group}`{core} | `c1.{accessor}()` | {} |",
            operations.join(", ")
        )?;
    }
    Ok(page)
}

/// The manifest with the table between its two marks replaced.
fn replace(manifest: &str, table: &str) -> Result<String, Box<dyn Error>> {
    let text = fs::read_to_string(root().join(manifest))?;
    let (head, rest) = text
        .split_once(BEGIN)
        .ok_or_else(|| format!("{manifest}: no line {BEGIN:?}"))?;
    let (_, tail) = rest
        .split_once(END)
        .ok_or_else(|| format!("{manifest}: no line {END:?}"))?;
    Ok(format!("{head}{BEGIN}{table}{END}{tail}"))
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::fs;

    use c1_api_spec::CORE;
    use c1_api_spec::names::group;

    use super::{BEGIN, WITH_CODE, tables};
    use crate::root;

    #[test]
    fn core_leaves_out_what_the_description_lacks() -> Result<(), Box<dyn Error>> {
        let mut description = crate::description()?;
        description
            .operations
            .retain(|operation| operation.group != CORE[0]);
        let [_, (file, manifest), ..] = &tables(&description)?[..] else {
            return Err("no tables".into());
        };
        assert_eq!(*file, "c1-api/Cargo.toml");
        assert!(!manifest.contains(&format!("{:?}", CORE[0])));
        assert!(manifest.contains(&format!("{:?}", CORE[1])));
        Ok(())
    }

    #[test]
    fn full_names_no_group_that_the_description_lacks() -> Result<(), Box<dyn Error>> {
        let mut description = crate::description()?;
        description
            .operations
            .retain(|operation| !WITH_CODE.contains(&&*operation.group));
        let [_, _, (file, manifest), ..] = &tables(&description)?[..] else {
            return Err("no tables".into());
        };
        assert_eq!(*file, "c1-api-ext/Cargo.toml");
        // Cargo would load no member of the workspace.
        assert!(manifest.contains("full = [\"c1-api/full\"]\n"));
        Ok(())
    }

    /// The words that follow one of the beginnings of a line, up to the end.
    fn words(file: &str, begins: &[&str], end: &[char]) -> Vec<String> {
        let text = fs::read_to_string(root().join(file)).expect(file);
        let words: Vec<_> = text
            .lines()
            .filter_map(|line| begins.iter().find_map(|begin| line.strip_prefix(begin)))
            .filter_map(|line| Some(line.split_once(end)?.0.to_owned()))
            .collect();
        assert!(!words.is_empty(), "{file}: {begins:?}");
        words
    }

    #[test]
    fn no_group_is_called_like_a_feature_a_module_or_a_method_of_ours() {
        let manifest =
            fs::read_to_string(root().join("c1-api-ext/Cargo.toml")).expect("a manifest");
        let (features, _) = manifest
            .split_once("[features]\n")
            .and_then(|(_, rest)| rest.split_once(BEGIN))
            .expect("a table of features");
        let features = features
            .lines()
            .filter_map(|line| Some(line.split_once(" = ")?.0.to_owned()));
        let written = ["core", "default", "full"].map(str::to_owned);
        let modules = words("c1-api/src/lib.rs", &["mod ", "pub mod "], &[';', ' ']);
        let methods = ["c1-api/src/client.rs", "c1-api-ext/src/client.rs"]
            .map(|file| words(file, &["    pub fn ", "    pub(crate) fn "], &['(', '<']));
        let ours = features.chain(written).chain(modules);
        for name in ours.chain(methods.concat()) {
            assert!(
                // No group has a hyphen in its name.
                name.contains('-') || group(&name) != name,
                "{name:?} has to be among what `c1_api_spec::names::group` renames"
            );
        }
    }
}
