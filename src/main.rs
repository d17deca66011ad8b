//! The `tidemill` command: it hands over to the library and turns the outcome into an exit code.

/// Many threads make and drop batches all the time, which the system's allocator does slowly. A program that uses the library has its own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    // The crash points that the environment names, in builds for fault tests alone.
    #[cfg(feature = "failpoints")]
    let _failpoints = fail::FailScenario::setup();
    tidemill::cli::main()
}
