// ctrl.exe FILE PROGRAM ARGUMENT...: runs a program on this console, sends it Ctrl-C once there is FILE, and ends with its exit code.
#include <stdio.h>
#include <string.h>
#include <windows.h>

static BOOL WINAPI ignore(DWORD event) {
  (void)event;
  return TRUE;
}

int main(int count, char** words) {
  char line[8192] = "";
  for (int i = 2; i < count; i++) {
    const size_t at = strlen(line);
    snprintf(line + at, sizeof line - at, "\"%s\" ", words[i]);
  }
  STARTUPINFOA start = {.cb = sizeof start, .dwFlags = STARTF_USESTDHANDLES};
  start.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
  start.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
  start.hStdError = GetStdHandle(STD_ERROR_HANDLE);
  PROCESS_INFORMATION child;
  SetConsoleCtrlHandler(ignore, TRUE);
  if (!CreateProcessA(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &start, &child)) return 99;
  while (GetFileAttributesA(words[1]) == INVALID_FILE_ATTRIBUTES && WaitForSingleObject(child.hProcess, 20) == WAIT_TIMEOUT) {
  }
  GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0);
  if (WaitForSingleObject(child.hProcess, 30000) != WAIT_OBJECT_0) TerminateProcess(child.hProcess, 97);
  DWORD code = 98;
  GetExitCodeProcess(child.hProcess, &code);
  return (int)code;
}
