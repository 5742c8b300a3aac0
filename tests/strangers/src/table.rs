//! The table of verdicts in the README.

use std::error::Error;
use std::path::PathBuf;
use std::{fs, iter};

use crate::judges::Judge;
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

/// An error unless the table has a row for each of the judges, and no other.
pub(crate) fn compare(judges: &[Judge]) -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(file())?;
    let (_, table, _) = parts(&text)?;
    let rows = table.lines().skip(2);
    let same = rows.clone().count() == judges.len()
        && rows.zip(judges).all(|(row, judge)| {
            row.starts_with(&format!("| {} | {} | ", judge.program, judge.about))
        });
    if same {
        Ok(())
    } else {
        Err("the table of verdicts in README.md is out of date; `just judges` writes it".into())
    }
}
