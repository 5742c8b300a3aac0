//! A user's program, built from the packaged crates: lists the apps of an emulated tenant. With the
//! argument `path`, it prints instead which path the description gives that operation.

use c1_api_emulator::Emulator;
use c1_api_ext::{C1, c1_api};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    if std::env::args().nth(1).as_deref() == Some("path") {
        let list = c1_api::OPERATIONS
            .iter()
            .find(|operation| operation.id == "apps.list")
            .ok_or("no operation apps.list")?;
        println!("{}", list.path);
        return Ok(());
    }
    let emulator = Emulator::start().await?;
    let c1 = C1::builder()
        .client_credentials(emulator.client_id(), emulator.client_secret())
        .build()?;
    for app in c1.apps().list().await?.list {
        println!("{}", app.display_name.ok_or("an app without a name")?);
    }
    Ok(())
}
