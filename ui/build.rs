//! Compiles the screens into the kiosk, with their fonts and translations.

fn main() {
    #[cfg(feature = "kiosk")]
    screens();
}

#[cfg(feature = "kiosk")]
fn screens() {
    use slint_build::{CompilerConfiguration, EmbedResourcesKind};

    println!("cargo::rerun-if-changed=ui/lang");
    let config = CompilerConfiguration::new()
        .embed_resources(EmbedResourcesKind::EmbedFiles)
        .with_bundled_translations("ui/lang")
        // Without it the tests of the screens find no elements.
        .with_debug_info(cfg!(feature = "ui-tests"));
    slint_build::compile_with_config("ui/app.slint", config).expect("the screens compile");
}
