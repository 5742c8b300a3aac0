//! The codec against `google.protobuf.json_format`, the reference: the program in `tests/peers/json_format` sends documents and
//! compares what comes back. `JUDGED` in the environment are its arguments, how many documents and a seed.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use crate::wire::from_slice;
use crate::wire::sample::{Sample, written};

#[test]
#[ignore = "needs protobuf from PyPI: `just peers`"]
fn json_format_agrees_but_for_the_listed_differences() {
    let program = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/peers/json_format/judge.py"
    );
    let mut judge = Command::new("python3")
        .args(["-B", program])
        .args(env::var("JUDGED").unwrap_or_default().split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut answers = judge.stdin.take().unwrap();
    for document in BufReader::new(judge.stdout.take().unwrap()).lines() {
        let answer = match from_slice::<Sample>(document.unwrap().as_bytes()) {
            Ok(sample) => written(&sample),
            Err(_) => "!".to_owned(),
        };
        writeln!(answers, "{answer}").unwrap();
    }
    drop(answers);
    assert!(judge.wait().unwrap().success());
}
