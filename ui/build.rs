//! Compiles the screens into the kiosk, with their fonts and translations, and tells the program when
//! it was built.

use std::{env, time::SystemTime};

fn main() {
    println!("cargo::rustc-env=GREENGATE_BUILT={}", built());
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    println!("cargo::rerun-if-changed=Cargo.lock");
    println!("cargo::rerun-if-changed=ui");
    #[cfg(feature = "kiosk")]
    screens();
}

/// Seconds since 1970. Whatever is built later from the same files may say the earlier instant.
#[expect(clippy::disallowed_methods, reason = "the program's own floor of the clock")]
fn built() -> u64 {
    let said = env::var("SOURCE_DATE_EPOCH").ok().and_then(|said| said.parse().ok());
    let passed = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    said.unwrap_or_else(|| passed().map_or(0, |passed| passed.as_secs()))
}

#[cfg(feature = "kiosk")]
fn screens() {
    use slint_build::{CompilerConfiguration, EmbedResourcesKind};

    let config = CompilerConfiguration::new()
        .embed_resources(EmbedResourcesKind::EmbedFiles)
        .with_bundled_translations("ui/lang")
        // Without it the tests of the screens find no elements.
        .with_debug_info(cfg!(feature = "ui-tests"));
    slint_build::compile_with_config("ui/app.slint", config).expect("the screens compile");
}
