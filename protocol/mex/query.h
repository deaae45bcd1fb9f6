#pragma once
// GraphQL over IQ: w:mex, both ends. Specification 05 section 8.1.
//
// An answer is {"data": …, "errors": […]}. Of several errors the one that sums them up counts, else the first with a
// code, else the first.

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/binary/node.h"
#include "protocol/mex/documents.h"
#include "protocol/mex/json.h"

namespace wharf::protocol {

/// How long to wait for an answer (05 section 1).
inline constexpr std::uint64_t mex_timeout_seconds = 32;

/// What is asked, before its document is looked up.
struct MexRequest {
  std::string operation;  // a name of MexDocuments
  Json variables;
  friend bool operator==(const MexRequest&, const MexRequest&) = default;
};
/// Errors: unsupported, when no document is known for the operation.
Result<Node> mex_iq(std::string_view id, const MexDocuments& documents, const MexRequest& request);

/// The `data` of an answer, an object. Errors: as iq_refusal (protocol/stanzas/iq_reading.h), of the IQ or, by its
/// error_code, of the query; unsupported (a document that is not known there any more: the table wants an update; or
/// argo, which only other kinds of clients are given); malformed and too_large (as parse_json with `limits`; no data).
Result<Json> read_mex_answer(const Node& answer, const JsonLimits& limits = mex_limits);

/// The code of the error that read_mex_answer() judged; nullopt when the answer has none.
std::optional<std::uint64_t> mex_error_code(const Node& answer, const JsonLimits& limits = mex_limits);

// --- the network's side

struct MexQuery {
  std::string document;
  Json variables;  // an object
};
/// nullopt when it is no such request or its JSON cannot be read.
std::optional<MexQuery> read_mex_query(const Node& iq);
Node mex_answer(const Node& request, Json data);
Node mex_error_answer(const Node& request, std::uint64_t code, std::string_view message);

}  // namespace wharf::protocol
