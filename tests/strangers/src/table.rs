//! The table of verdicts in the README.

use std::error::Error;
use std::path::PathBuf;
use std::{fs, iter};

use crate::judges::{JUDGES, Judge};
use crate::program;

const BEGIN: &str = "<!-- verdicts: written by `just judges` -->\n";
const END: &str = "<!-- end of verdicts -->";

fn file() -> PathBuf {
    program::here().join("../../README.md")
}

fn row(cells: [&str; 3]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// The text before the table, the table, and the text after it.
fn parts(text: &str) -> Result<(&str, &str, &str), Box<dyn Error>> {
    let (before, rest) = text
        .split_once(BEGIN)
        .ok_or("README.md has no table of verdicts")?;
    let (table, after) = rest
        .split_once(END)
        .ok_or("the table in README.md has no end")?;
    Ok((before, table, after))
}

/// Replaces the table.
pub(crate) fn write(rows: &[(&Judge, String)]) -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(file())?;
    let (before, _, after) = parts(&text)?;
    let head = row(["program", "judges", "verdict"]) + &row(["---"; 3]);
    let table: String = iter::once(head)
        .chain(
            rows.iter()
                .map(|(judge, verdict)| row([judge.program, judge.about, verdict])),
        )
        .collect();
    Ok(fs::write(
        file(),
        format!("{before}{BEGIN}{table}{END}{after}"),
    )?)
}

/// An error unless the table has a row for each of the judges, and no other, and says of those that have looked now what
/// they have found.
pub(crate) fn compare(found: &[(&Judge, String)]) -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(file())?;
    let (_, table, _) = parts(&text)?;
    agree(table, JUDGES, found).map_err(|what| {
        format!("the table in README.md is out of date, {what}; `just judges` writes it").into()
    })
}

fn agree(table: &str, judges: &[Judge], found: &[(&Judge, String)]) -> Result<(), String> {
    let rows: Vec<_> = table.lines().skip(2).collect();
    if rows.len() != judges.len() {
        return Err(format!("{} rows for {} judges", rows.len(), judges.len()));
    }
    for (row, judge) in rows.iter().zip(judges) {
        let start = format!("| {} | {} | ", judge.program, judge.about);
        let told = row.strip_prefix(&start);
        let told = told.and_then(|rest| rest.strip_suffix(" |"));
        let told = told.ok_or_else(|| format!("{}: expected {start}", judge.name))?;
        let now = found.iter().find(|(one, _)| one.name == judge.name);
        if let Some((_, now)) = now
            && comparable(judge, now) != comparable(judge, told)
        {
            return Err(format!(
                "{}: it tells \"{told}\", now \"{now}\"",
                judge.name
            ));
        }
    }
    Ok(())
}

/// A verdict without what depends on the share: how much was looked at.
fn comparable(judge: &Judge, verdict: &str) -> String {
    if judge.same_in_shares {
        return verdict.to_owned();
    }
    verdict
        .chars()
        .filter(|one| !one.is_ascii_digit())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{JUDGES, Judge, agree, row};

    fn judge(name: &str) -> &'static Judge {
        JUDGES.iter().find(|one| one.name == name).unwrap()
    }

    fn table(verdict: &str) -> String {
        let rows = JUDGES.iter();
        let rows = rows.map(|judge| row([judge.program, judge.about, verdict]));
        let head = row(["program", "judges", "verdict"]) + &row(["---"; 3]);
        head + &rows.collect::<String>()
    }

    #[test]
    fn a_share_may_differ_in_how_much_it_looks_at_but_in_nothing_else() {
        let table = table("638 operations, no violation");
        let agrees = |name: &str, verdict: &str| {
            agree(&table, JUDGES, &[(judge(name), verdict.to_owned())]).is_ok()
        };
        assert!(agrees("prism-proxy", "160 operations, no violation"));
        assert!(!agrees("prism-proxy", "638 operations, one violation"));
        assert!(agrees("requests", "638 operations, no violation"));
        assert!(!agrees("requests", "160 operations, no violation"));
    }

    #[test]
    fn the_table_has_the_rows_of_all_judges() {
        let table = table("good");
        assert_eq!(agree(&table, JUDGES, &[]), Ok(()));
        let last = table.trim_end().rfind('\n').unwrap();
        assert!(agree(&table[..=last], JUDGES, &[]).is_err());
        assert!(agree(&table.replace("Prism as a proxy", "Prism"), JUDGES, &[]).is_err());
    }
}
