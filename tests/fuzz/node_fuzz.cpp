// The binary node decoder. The first byte of a payload is its flag, so compressed frames are explored as well. What
// decodes must encode to a form that is a fixed point. One round comes first: an empty child list is written as
// LIST_EMPTY, which reads as no content.

#include <cstdio>
#include <cstdlib>

#include "protocol/binary/node.h"

using namespace wharf::protocol;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  NodeLimits limits;
  limits.max_inflated_bytes = 1 << 20;
  limits.max_nodes = 20'000;
  const Result<Node> node = decode_node({data, size}, limits);
  if (!node) return 0;

  const Result<Node> written = decode_node(encode_node(*node), limits);
  if (!written) std::abort();
  const Bytes encoded = encode_node(*written);
  const Result<Node> again = decode_node(encoded, limits);
  if (!again || encode_node(*again) != encoded) {
    std::fprintf(stderr, "no fixed point: %s\n", summary(*node).c_str());
    std::abort();
  }
  for (const Attr& attr : node->attrs) {
    node->jid(attr.key);
    node->number(attr.key);
  }
  return 0;
}
