// The activity's native entry (android.app.func_name in AndroidManifest.xml). It runs on the UI thread within
// Activity.onCreate, before there is a window to photograph, and hands over to Fyne's.
#include <android/native_activity.h>
#include <android/window.h>

extern void ANativeActivity_onCreate(ANativeActivity *activity, void *state, size_t size);

__attribute__((visibility("default"))) void cloudkey_onCreate(ANativeActivity *activity, void *state, size_t size) {
	// No screenshots, no recording, no picture in the list of recent apps: the screens show PINs and certificates.
	ANativeActivity_setWindowFlags(activity, AWINDOW_FLAG_SECURE, 0);
	ANativeActivity_onCreate(activity, state, size);
}
