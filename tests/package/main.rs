//! A user's program, built from the packaged crates: lists the apps of an emulated tenant, which serves the description
//! that the program is built from, and prints the path that it sent the request to.

use c1_api_emulator::Emulator;
use c1_api_ext::{C1, c1_api};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::start().await?;
    let c1 = C1::builder()
        .client_credentials(emulator.client_id(), emulator.client_secret())
        .build()?;
    let apps = c1.apps().list().await?.list;
    assert!(!apps.is_empty());
    let [request] = &emulator.requests()[..] else {
        return Err("not one request".into());
    };
    assert_eq!(request.operation, "apps.list");
    let served = c1_api_emulator::description()?.operations.len();
    assert_eq!(served, c1_api::DESCRIPTION.operations);
    println!("{}", request.template);
    Ok(())
}
