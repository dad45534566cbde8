import type { Approval, TurnEvent } from '@ckit/client';
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
  onApproval: (listener) => {
    ipcRenderer.on('approval', (_event, approval: Approval) => listener(approval));
  },
  onApprovalOver: (listener) => {
    ipcRenderer.on('approval-over', (_event, id: string) => listener(id));
  },
  onChange: (listener) => {
    ipcRenderer.on('changed', () => listener());
  },
  onState: (listener) => {
    ipcRenderer.on('state', (_event, state: DaemonState, folder: string) => listener(state, folder));
  },
  chooseFolder: () => ipcRenderer.invoke('choose-folder') as Promise<void>,
  openFile: (path) => ipcRenderer.invoke('open-file', path) as Promise<Answer>,
  saveText: (name, text) => ipcRenderer.invoke('save-text', name, text) as Promise<Answer>,
};

contextBridge.exposeInMainWorld('ckit', api);
