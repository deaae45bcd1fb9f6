#include "sandbox/network/groups/group_answer.h"

namespace wharf::sandbox {

std::string_view words_of(unsigned code) {
  switch (code) {
    case 401: return "not-authorized";
    case 403: return "forbidden";
    case 404: return "item-not-found";
    case 405: return "not-allowed";
    case 406: return "not-acceptable";
    case 409: return "conflict";
    case 410: return "gone";
    case 412: return "precondition-failed";
    case 419: return "resource-limit";
    case 501: return "feature-not-implemented";
    default: return "bad-request";
  }
}

}  // namespace wharf::sandbox
