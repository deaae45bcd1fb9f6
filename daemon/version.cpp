#include "daemon/version.h"

namespace wharf::daemon {

const char* version() { return WHARF_VERSION; }

}  // namespace wharf::daemon
