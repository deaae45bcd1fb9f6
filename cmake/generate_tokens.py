"""Writes the binary-node token dictionaries as C++ initialisers (specification 01 section 5.2)."""
import json
import sys


def literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=True)


def main(source: str, target: str) -> None:
    tables = json.load(open(source, encoding="utf-8"))
    single, double = tables["single_byte"], tables["double_byte"]
    assert len(single) == 236 and [len(d) for d in double] == [256] * 4
    with open(target, "w", encoding="utf-8") as out:
        out.write(f"constexpr std::array<std::string_view, {len(single)}> single_byte_tokens = {{\n")
        out.write(",\n".join(literal(t or "") for t in single))
        out.write("};\nconstexpr std::array<std::array<std::string_view, 256>, 4> double_byte_tokens = {{\n")
        out.write(",\n".join("{{" + ",\n".join(literal(t) for t in table) + "}}" for table in double))
        out.write("}};\n")


main(*sys.argv[1:3])
