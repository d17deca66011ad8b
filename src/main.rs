//! The `tidemill` command: it hands over to the library and turns the outcome into an exit code.

fn main() -> std::process::ExitCode {
    tidemill::cli::main()
}
