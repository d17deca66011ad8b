//! The `tidemill` command: it hands over to the library and turns the outcome into an exit code.

fn main() -> std::process::ExitCode {
    // The crash points that the environment names, in builds for fault tests alone.
    #[cfg(feature = "failpoints")]
    let _failpoints = fail::FailScenario::setup();
    tidemill::cli::main()
}
