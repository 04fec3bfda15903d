"""Options of the command line that say nothing, or something impossible."""

from __future__ import annotations

from case import Case


def option(arguments: str, what: str, how: str, where: str | None = None) -> Case:
    """`pdelsr solve p.py` with more arguments."""
    given = tuple(arguments.split(" "))
    named = given[0].lstrip("-").replace("-", "[-_]") if where is None else where
    return Case(arguments, what, named, how, None, given, "solve")


def method_option(given: str, what: str, how: str, where: str | None = None) -> Case:
    """`--option given`."""
    named = where or given.partition("=")[0] or "--option"
    return Case(f"--option {given}", what, named, how, None, ("--option", given), "solve")


OPTIONS = [
    option("--rank -3", "-3", "give a whole number from 1 on"),
    option("--rank x", "'x'", "whole number such as 60.*--help"),
    option("--rank 1.5", "'1.5'", "whole number such as 60"),
    option("--hidden 0,5", "is 0", "give a whole number from 1 on"),
    option("--hidden ,", r"\(\)", "give the widths"),
    option("--hidden a,b", "a,b", "expected widths such as 60,60"),
    option("--points abc", "'abc'", "whole number such as 60"),
    option("--points 0", "is 0", "give a whole number from 1 on"),
    option("--seed -1", "-1", "give a whole number from 0 on"),
    option("--seed 99999999999999999999", "9999", "of at most 18 digits"),
    option("--seed 9999999999", "9999", "give a whole number up to"),
    option("--dtype float16", "'float16'", "choose one of float64, float32"),
    option("--device tpu", "'tpu'", "leave it out for the CPU"),
    option("--device meta", "'meta'", "leave it out for the CPU"),
    option("--device cuda:77", "'cuda:77'", "leave it out for the CPU"),
    option("--time-limit nan", "nan", "give a number above 0"),
    option("--time-limit -1", "-1", "give a number above 0"),
    option("--time-limit 0", "0", "give a number above 0"),
    option("--time-limit soon", "'soon'", r"a number such as 0\.5"),
    option("--tolerance nan", "nan", "give a number from 0 on"),
    option("--max-iterations 0", "is 0", "give a whole number from 1 on"),
    option("--method nope", "'nope'", "choose one of pinn"),
    option("--method LSR", "'LSR'", "did you mean 'lsr'"),
    option("--nonsense", "--nonsense", "--help. lists what can be given"),
    option("--set k=1", "k", "the problem has no such parameter; it has none", "with_parameters"),
    option("--set k", "k", "expected name=value"),
    option("--set k=abc", "k=abc", "expected a number such as"),
    option("--set k=1/0", "1/0", "give one such as"),
    option("--set k=0/0", "0/0", "give one such as"),
    option("--set k=7//2", "7//2", "expected a number such as"),
    option("--set self=1", "self", "the problem has no such parameter", "with_parameters"),
    option(f"--set k={33 * '1'}m", "1111m", "expected a number such as"),
    option("--set k=9**9**9**9", r"9\*\*9", "expected a number such as"),
    option("--set k=" + "(" * 1000, r"\(\(\(", "expected a number such as"),
    option("--json nowhere/x.json", "folder that does not exist", "give the path of a file"),
    option("--json p.py/x.json", "folder that does not exist", "give the path of a file"),
    option("--json folder", "is a folder", "give the path of a file", "^folder"),
    option("--json /proc/x.json", "No such file or directory", "give another path", "/proc/x.json"),
    option("--plot x.unknown", "'.unknown'", "pictures end in .png", "x.unknown"),
    option("--plot /proc/x.png", "No such file or directory", "cannot be written", "/proc/x.png"),
    option("--save /proc/x", "No such file or directory", "give another path", "/proc/x"),
    option("--save folder", "is a folder", "give the path of a file", "^folder"),
    option("--save -", "only --json goes to standard output", "give the path of a file"),
    option("--checkpoint -", "only --json goes to standard output", "give the path of a file"),
    option("--plot -", "only --json goes to standard output", "give the path of a file"),
    option("--animate -", "only --json goes to standard output", "give the path of a file"),
    option("--save a --json a", "the file of --json", "give another path"),
    option("--json p.py", "the file of the problem", "give another path"),
    option("--checkpoint-every 5", "for a checkpoint", "give --checkpoint FILE too"),
    option("--start nowhere", "there is no file", r"give one written by Solution\.save", "nowhere"),
    option("--start folder", "there is no file", r"give one written by Solution\.save", "folder"),
    option("--start p.py", "not a solution saved by pdelsr", "use another copy", "p.py"),
    option("--at x=1e999999999 --plot a.png", "--at x=1e999999999", "expected a number such as"),
    option("--at x=sqrt(-1) --plot a.png", r"sqrt\(-1\)", "give one such as"),
    option("--at x=0 --at x=1 --plot a.png", "x is there twice", "give all values at once"),
    option("--set k=1e999999999", "--set k=1e999999999", "expected a number such as"),
    method_option(f"tolerance=1{'0' * 400}", "tolerance", r"a number is above 1e\+300"),
    method_option("tolerance=1e400", "tolerance=1e400", r"a number is above 1e\+300"),
    method_option("weight_scale=-1e400", "weight_scale=-1e400", r"a number is above 1e\+300"),
    method_option("points={'equation':1e400}", "1e400", r"a number is above 1e\+300"),
    method_option(f"weights={{'equation':{'9' * 400}}}", "9999", r"a number is above 1e\+300"),
    method_option("hidden=[1e400]", "1e400", r"a number is above 1e\+300"),
    option(f"--time-limit {'9' * 400}", "9999", r"a number such as 0\.5, of at most 1e\+300"),
    option(f"--tolerance {'9' * 400}", "9999", r"a number such as 0\.5, of at most 1e\+300"),
    option("--tolerance 1e400", "1e400", r"a number such as 0\.5, of at most 1e\+300"),
    option("--checkpoint-every 1e999", "1e999", r"a number such as 0\.5, of at most 1e\+300"),
    option("--at x=1e400 --plot a.png", "--at x=1e400", r"above 1e\+300; give a smaller number"),
    option("--set k=1e400", "--set k=1e400", r"above 1e\+300; give a smaller number"),
    option("--set k=1e200*1e200", "--set k=", r"above 1e\+300; give a smaller number"),
    method_option("nonsense", "nonsense", "expected name=value"),
    method_option("=3", "=3", "expected name=value"),
    method_option("nope=1", "'nope'", "did you mean|it has"),
    method_option("basis=nope", "'nope'", "choose one of full"),
    method_option("basis=[1]", r"\[1\]", "expected a name"),
    method_option("lstsq=nope", "'nope'", "choose one of qr", "least-squares solver"),
    method_option("activation=nope", "'nope'", "choose one of tanh"),
    method_option("sampler=nope", "nope", "expected a sampler .*sobol"),
    method_option("weight_scale=abc", "abc", "expected a whole number or a number"),
    method_option("weight_scale=0", "is 0.0", "give a finite number above 0"),
    method_option("weight_scale=inf", "is inf", "give a finite number above 0"),
    method_option("balance=7", "7", "expected true or false"),
    method_option("hard=maybe", "maybe", "expected true or false"),
    method_option("points={'nope':3}", "'nope'", "the problem has 'equation'"),
    method_option("points={[]: 1}", r"\{\[\]: 1\}", "expected a whole number or values by block"),
    method_option("hidden=b'ab'", "b'ab'", "expected whole numbers such as 60,60"),
    method_option("checkpoint=-", "only --json goes to standard output", "give the path of a file"),
    method_option("points=[1]", r"\[1\]", "expected a whole number or values by block"),
    method_option(
        "weights={'equation':-1}", "-1", "give a finite number above 0", "weight of 'equation'"
    ),
    method_option("hidden={1:2}", r"\{1:2\}", "expected whole numbers such as 60,60"),
    method_option("network=3", "cannot be written as text", r"call pl\.solve"),
    method_option("callback=print", "cannot be written as text", r"call pl\.solve"),
    method_option("verbose=true", "progress is shown anyway", "--quiet leaves it out"),
    method_option("memory_budget=0", "is 0", "give a whole number from 1 on"),
]
