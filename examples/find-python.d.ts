/** What `findPython` asks of the machine. */
export interface Machine {
    /** The absolute path of the interpreter behind `command`, or undefined when it is missing or cannot import Flask. */
    withFlask(command: string): Promise<string | undefined>;
    /** True where `installFlask` is possible: as root on Debian or what descends from it. */
    canInstall(): Promise<boolean>;
    installFlask(): Promise<void>;
}
/**
 * The absolute path of a Python that can import Flask. As root on Debian it installs `python3-flask` when there is none, and says so
 * on stderr. The environment variable PYTHON names the one to use instead.
 * @throws Error when there is none and none could be installed; never answers with a Python that would fail later.
 */
export declare function findPython(machine?: Machine, chosen?: string | undefined): Promise<string>;
