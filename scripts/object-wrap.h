// Included before ssh2's binding when it is built here.
//
// Since 2026 node::ObjectWrap takes a hook back in its destructor, and Node aborts when the collector runs that while no
// context is entered, as it does in an idle process: "RemoveEnvironmentCleanupHook: Assertion failed: (env) != nullptr"
// (the same in another addon: https://github.com/DataDog/pprof-nodejs/pull/385). That of nan has no hook.
#define SRC_NODE_OBJECT_WRAP_H_
#include <nan.h>

namespace node {
using Nan::ObjectWrap;
}
