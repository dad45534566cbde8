import type { Approval, ApprovalRequestResult, TurnEvent } from '@ckit/client';
import { contextBridge, ipcRenderer } from 'electron';
import type { Answer, Api, DaemonState } from './channels';

const api: Api = {
  request: (id, method, params) => ipcRenderer.invoke('request', id, method, params) as Promise<Answer>,
  cancel: (id) => ipcRenderer.send('cancel', id),
  onPart: (listener) => {
    ipcRenderer.on('part', (_event, id: number, items: unknown[]) => listener(id, items));
  },
  onTurnEvent: (listener) => {
    ipcRenderer.on('turn-event', (_event, event: TurnEvent) => listener(event));
  },
  onApproval: (ask) => {
    ipcRenderer.on('approval', (_event, approval: Approval) => {
      void ask(approval).then((result: ApprovalRequestResult) =>
        ipcRenderer.send('approval-answer', approval.id, result),
      );
    });
  },
  onChange: (listener) => {
    ipcRenderer.on('changed', () => listener());
  },
  onState: (listener) => {
    ipcRenderer.on('state', (_event, state: DaemonState, folder: string) => listener(state, folder));
  },
  chooseFolder: () => ipcRenderer.invoke('choose-folder') as Promise<void>,
  openFile: (path, line) => ipcRenderer.send('open-file', path, line),
};

contextBridge.exposeInMainWorld('ckit', api);
